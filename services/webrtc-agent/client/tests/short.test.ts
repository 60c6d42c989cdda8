import { describe, expect, it } from "vitest";
import { isOpening, isShort } from "../src/app/short";
import { BEFORE, type CallState } from "../src/call/state";
import { follow, type Item, type TranscriptEvent } from "../src/conversation/transcript";
import { problem } from "../src/problems/problems";

const HELLO: TranscriptEvent = {
  type: "agent-sentence",
  segment: 1,
  text: "Hello!",
  heard: "said",
  characters: 0,
};
const QUESTION: TranscriptEvent = { type: "visitor-said", text: "Oslo?", final: true };
const LOOKING_UP: TranscriptEvent = { type: "weather-asked", call: "a", place: "Oslo" };

const live = (...events: TranscriptEvent[]): CallState => ({
  ...BEFORE,
  phase: "live",
  items: events.reduce(follow, [] as readonly Item[]),
});

describe("how much there is to show", () => {
  it("is little before the first card", () => {
    expect(isShort(live())).toBe(true);
    expect(isShort(live(HELLO, QUESTION))).toBe(true);
    expect(isShort(live(HELLO, QUESTION, LOOKING_UP))).toBe(false);
  });

  it("is more where something went wrong", () => {
    expect(isShort({ ...live(HELLO), problem: problem("lost") })).toBe(false);
  });

  it("offers examples until something was asked", () => {
    expect(isOpening(live(HELLO))).toBe(true);
    expect(isOpening(live(HELLO, QUESTION))).toBe(false);
    expect(isOpening({ ...live(HELLO), phase: "reconnecting" })).toBe(false);
  });
});
