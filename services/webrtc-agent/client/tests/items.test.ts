import { expect, test } from "vitest";
import { asksWhich, type Item } from "../src/conversation/items";
import { follow, type TranscriptEvent } from "../src/conversation/transcript";

const PLACES = ["Missouri", "Illinois"].map((area) => ({ name: "Springfield", area }));
const asked = (call: string): TranscriptEvent[] => [
  { type: "weather-asked", call, place: "Springfield" },
  { type: "weather-result", call, reading: { kind: "which", name: "Springfield", places: PLACES } },
];
const QUESTION: TranscriptEvent = {
  type: "agent-sentence",
  segment: 1,
  text: "Which Springfield do you mean?",
  heard: "said",
  characters: 30,
};

function open(...events: TranscriptEvent[]): boolean[] {
  let items: readonly Item[] = [];
  for (const event of events) {
    items = follow(items, event, { at: 0, sounding: false });
  }
  return items.filter(({ kind }) => kind === "weather").map((item) => asksWhich(items, item));
}

test("the places are a question until the visitor answers it, in whatever way", () => {
  expect(open(...asked("a"))).toEqual([true]);
  expect(open(...asked("a"), QUESTION)).toEqual([true]);
  expect(open(...asked("a"), QUESTION, { type: "visitor-started" })).toEqual([true]);
  expect(open(...asked("a"), { type: "visitor-typed", text: "Illinois" })).toEqual([false]);
  expect(open(...asked("a"), { type: "visitor-said", text: "the first", final: true })).toEqual([false]);
  expect(open(...asked("a"), ...asked("b"))).toEqual([false, true]);
});

test("a look-up that found one place asks nothing", () => {
  expect(open({ type: "weather-asked", call: "a", place: "Oslo" })).toEqual([false]);
});
