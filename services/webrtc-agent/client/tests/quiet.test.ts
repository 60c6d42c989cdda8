import { expect, test } from "vitest";
import { BEFORE, type CallEvent, type CallState, next } from "../src/call/state";
import { shownActivity } from "../src/conversation/activity";

const after = (...events: CallEvent[]): CallState => events.reduce(next, BEFORE);
const READY: CallEvent = { type: "ready" };
const TYPED: CallEvent = { type: "opening", phase: "connecting", typing: true, silent: true };
const TALKED: CallEvent = { type: "opening", phase: "connecting", typing: false };
const HELLO: CallEvent = {
  type: "transcript",
  event: { type: "agent-sentence", segment: 1, text: "Hello there.", heard: "planned", characters: 0 },
};
const SPEAKS: CallEvent = { type: "activity", event: "agent-started" };
const OWN: CallEvent = { type: "track", whose: "own", track: {} as MediaStreamTrack };

test("where nothing is heard, an answer stands there whole at once", () => {
  expect(after(TYPED, READY, HELLO).items).toMatchObject([{ sentences: [{ heard: "said" }] }]);
  expect(after(TALKED, READY, HELLO).items).toMatchObject([{ sentences: [{ heard: "planned" }] }]);
});

test("turning the sound off in the middle of an answer finishes what stands there", () => {
  const state = after(TALKED, READY, HELLO, { type: "silent", silent: true });
  expect(state).toMatchObject({ silent: true, items: [{ sentences: [{ heard: "said" }] }] });
  expect(next(state, { type: "silent", silent: false }).silent).toBe(false);
});

test("without sound the agent is ready for the next question while it would speak", () => {
  expect(shownActivity(after(TYPED, READY, SPEAKS))).toBe("listening");
  expect(shownActivity(after(TALKED, READY, SPEAKS))).toBe("speaking");
});

test("a voice shows while the agent listens or speaks, and no turn is made of it", () => {
  const VOICE: CallEvent = { type: "voice", voice: true };
  expect(shownActivity(after(TALKED, READY, VOICE))).toBe("hearing");
  expect(shownActivity(after(TALKED, READY, SPEAKS, VOICE))).toBe("hearing");
  const thinks = after(TALKED, READY, VOICE, { type: "activity", event: "visitor-stopped" });
  expect(shownActivity(thinks)).toBe("thinking");
  expect(after(TALKED, READY, VOICE).activity).toBe("listening");
});

test("a microphone that is opened makes a typed conversation a spoken one, and keeps it silent", () => {
  expect(after(TYPED, READY, OWN)).toMatchObject({ typing: false, muted: false, silent: true });
});

test("another microphone does not unmute a visitor who talks", () => {
  expect(after(TALKED, READY, { type: "muted", muted: true }, OWN).muted).toBe(true);
});

test("the end keeps how the visitor talked, for the next time", () => {
  const ended: CallEvent = { type: "stopped", ending: "Goodbye.", problem: null };
  expect(after(TYPED, READY, ended)).toMatchObject({ typing: true, silent: true, voice: false });
});
