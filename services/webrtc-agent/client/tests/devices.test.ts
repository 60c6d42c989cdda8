import { expect, test } from "vitest";
import { type Device, replacement, standardOf, type Use } from "../src/media/devices";
import { Pulse } from "../src/media/pulse";

const device = (deviceId: string, label = deviceId, groupId = label): Device => ({
  deviceId,
  label,
  groupId,
});
const laptop = device("laptop");
const headset = device("headset");
/** The system's default as Chromium lists it: a separate entry with the name of the actual device. */
const standard = (of: Device): Device => device("default", `Default - ${of.label}`, of.groupId);
const use = (chosen: string, opened: string | null, all: readonly Device[]): Use => ({
  chosen,
  opened,
  standard: standardOf(all),
});

test("nothing happens while the device in use is right", () => {
  const all = [standard(laptop), laptop, headset];
  expect(replacement(use("", "", all), all)).toBeNull();
  expect(replacement(use("headset", "headset", all), all)).toBeNull();
  expect(replacement(use("", "", [laptop]), [laptop, headset])).toBeNull();
});

test("a chosen device that is unplugged is replaced by the default, and taken again when it is back", () => {
  const without = [standard(laptop), laptop];
  expect(replacement(use("headset", "headset", [...without, headset]), without)).toBe("");
  expect(replacement(use("headset", "", without), without)).toBeNull();
  expect(replacement(use("headset", "", without), [...without, headset])).toBe("headset");
});

test("another default is taken where the visitor chose none, in every browser's way of listing it", () => {
  const chromium = [standard(laptop), laptop, headset];
  expect(replacement(use("", "", chromium), [standard(headset), laptop, headset])).toBe("");
  expect(replacement(use("", "", [laptop, headset]), [headset, laptop])).toBe("");
  expect(replacement(use("headset", "headset", chromium), [standard(headset), laptop, headset])).toBeNull();
});

test("a call without a microphone takes the first that comes, and asks for none while there is none", () => {
  expect(replacement(use("", null, []), [])).toBeNull();
  expect(replacement(use("", null, []), [laptop])).toBe("");
  expect(replacement(use("headset", null, []), [laptop])).toBe("");
});

test("the default that is unplugged is replaced by what is the default then", () => {
  expect(replacement(use("", "", [headset, laptop]), [laptop])).toBe("");
});

test("a context passes sound while it runs and its clock moves", () => {
  const pulse = new Pulse();
  expect(pulse.beats("running", 0, 0)).toBe(true);
  expect(pulse.beats("running", 0.4, 400)).toBe(true);
  expect(pulse.beats("suspended", 0.4, 500)).toBe(false);
  expect(pulse.beats("interrupted", 0.4, 600)).toBe(false);
  expect(pulse.beats("running", 0.4, 2_300)).toBe(true);
  expect(pulse.beats("running", 0.4, 2_500)).toBe(false);
  expect(pulse.beats("running", 0.5, 2_900)).toBe(true);
});

test("a page in the background, which looks rarely, is not taken for a dead one", () => {
  const pulse = new Pulse();
  pulse.beats("running", 1, 1_000);
  expect(pulse.beats("running", 61, 61_000)).toBe(true);
});
