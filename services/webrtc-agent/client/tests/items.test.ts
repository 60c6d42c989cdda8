import { afterEach, expect, test } from "vitest";
import type { AgentCard } from "../src/agent/card";
import { showCards } from "../src/agent/cards";
import { asksWhich, type Item, isShown } from "../src/conversation/items";
import { follow, type TranscriptEvent } from "../src/conversation/transcript";

/** Cards that ask for a choice if the result has some. */
const CHOICE: AgentCard = {
  serves: (tool) => tool === "find",
  busy: "Searching",
  isShown: () => true,
  asks: ({ result }) => Array.isArray(result?.choices),
  inWords: () => "",
  Card: () => null,
};
const asked = (call: string): TranscriptEvent[] => [
  { type: "tool-called", call, tool: "find", given: {} },
  { type: "tool-returned", call, result: { choices: ["one", "two"] } },
];
const QUESTION: TranscriptEvent = {
  type: "agent-sentence",
  segment: 1,
  text: "Which one do you mean?",
  heard: "said",
  characters: 22,
};

function open(...events: TranscriptEvent[]): boolean[] {
  showCards(CHOICE);
  let items: readonly Item[] = [];
  for (const event of events) {
    items = follow(items, event, { at: 0, sounding: false });
  }
  return items.filter(({ kind }) => kind === "card").map((item) => asksWhich(items, item));
}

afterEach(() => showCards(null));

test("choices are a question until the visitor answers it, in whatever way", () => {
  expect(open(...asked("a"))).toEqual([true]);
  expect(open(...asked("a"), QUESTION)).toEqual([true]);
  expect(open(...asked("a"), QUESTION, { type: "visitor-started" })).toEqual([true]);
  expect(open(...asked("a"), { type: "visitor-typed", text: "two" })).toEqual([false]);
  expect(open(...asked("a"), { type: "visitor-said", text: "the first", final: true })).toEqual([false]);
  expect(open(...asked("a"), ...asked("b"))).toEqual([false, true]);
});

test("a call that has not returned asks nothing, and neither does the card of another tool", () => {
  expect(open({ type: "tool-called", call: "a", tool: "find", given: {} })).toEqual([false]);
  const result = { choices: ["one"], card: { title: "Table" } };
  expect(
    open(
      { type: "tool-called", call: "a", tool: "book", given: {} },
      { type: "tool-returned", call: "a", result },
    ),
  ).toEqual([false]);
});

test("a call without an own card is shown once its result has something for the page", () => {
  const use = { kind: "card", id: 0, at: 0, call: "a", tool: "book", given: {} } as const;
  expect(isShown({ ...use, result: null })).toBe(false);
  expect(isShown({ ...use, result: { speak: "Done." } })).toBe(false);
  expect(isShown({ ...use, result: { card: { title: "Table", value: "Friday" } } })).toBe(true);
});
