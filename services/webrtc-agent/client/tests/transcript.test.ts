import { expect, test } from "vitest";
import { follow, type Item, shown, type TranscriptEvent } from "../src/conversation/transcript";

const all = (...events: TranscriptEvent[]): readonly Item[] => events.reduce(follow, [] as readonly Item[]);
const sentence = (segment: number, text: string, heard: "planned" | "speaking" | "said", characters = 0) =>
  ({ type: "agent-sentence", segment, text, heard, characters }) as const;
const said = (text: string, final = true) => ({ type: "visitor-said", text, final }) as const;

function sentences(items: readonly Item[]): [string, string][] {
  return items.flatMap((item) =>
    item.kind === "agent" ? shown(item.sentences).map((one): [string, string] => [one.text, one.heard]) : [],
  );
}

test("a sentence that is planned and then said appears once", () => {
  const items = all(sentence(7, "It is 4 degrees.", "planned"), sentence(7, "It is 4 degrees.", "said"));
  expect(sentences(items)).toEqual([["It is 4 degrees.", "said"]]);
});

test("a sentence is found again after the visitor has said something", () => {
  const items = all(sentence(7, "One.", "planned"), said("hm"), sentence(7, "One.", "said"));
  expect(items.map((item) => item.kind)).toEqual(["agent", "visitor"]);
  expect(sentences(items)).toEqual([["One.", "said"]]);
});

test("sentences of one answer share a turn; a question between them starts another", () => {
  const items = all(
    sentence(1, "Hello.", "said"),
    sentence(2, "Ask me.", "said"),
    said("what?"),
    sentence(3, "Well.", "said"),
  );
  expect(items.map((item) => (item.kind === "agent" ? item.sentences.length : item.kind))).toEqual([
    2,
    "visitor",
    1,
  ]);
});

test("what was heard stays heard, whatever is reported later", () => {
  const items = all(sentence(1, "Hello.", "said"), sentence(1, "Hello.", "planned"));
  expect(sentences(items)).toEqual([["Hello.", "said"]]);
});

test("an interruption cuts the sentence it falls into and hides those that nobody will hear", () => {
  const items = all(
    sentence(1, "One.", "said"),
    sentence(2, "Two.", "planned"),
    sentence(3, "Three.", "planned"),
    { type: "agent-cut" },
  );
  expect(sentences(items)).toEqual([
    ["One.", "said"],
    ["Two.", "cut"],
  ]);
});

test("an agent that has fallen silent uninterrupted has said all it planned", () => {
  expect(sentences(all(sentence(2, "Goodbye!", "planned"), { type: "agent-finished" }))).toEqual([
    ["Goodbye!", "said"],
  ]);
  const cut = all(sentence(2, "Two.", "planned"), { type: "agent-cut" }, { type: "agent-finished" });
  expect(sentences(cut)).toEqual([["Two.", "cut"]]);
});

test("a sentence taken for cut is mended when it turns out to have been heard", () => {
  const items = all(sentence(2, "Two.", "planned"), { type: "agent-cut" }, sentence(2, "Two.", "said"));
  expect(sentences(items)).toEqual([["Two.", "said"]]);
});

test("typing cuts the agent off", () => {
  const items = all(sentence(2, "Two.", "planned"), { type: "visitor-typed", text: " stop " });
  expect(sentences(items)).toEqual([["Two.", "cut"]]);
  expect(items.at(-1)).toMatchObject({ kind: "visitor", text: "stop", typed: true });
});

test("typed words that come back as heard ones appear once", () => {
  const items = all({ type: "visitor-typed", text: "And in Oslo?" }, said("and in oslo"));
  expect(items).toHaveLength(1);
});

test("words still being understood are replaced by the final ones", () => {
  const items = all(
    said("what is the", false),
    said("what is the weather", false),
    said("What is the weather?"),
  );
  expect(items).toEqual([expect.objectContaining({ text: "What is the weather?", final: true })]);
});

test("silence says nothing", () => {
  expect(all(said("  "))).toEqual([]);
});

test("a look-up shows a place at once, the weather later, and nothing when it is given up", () => {
  const asked = all({ type: "weather-asked", call: "a", place: "Oslo" });
  expect(asked).toEqual([expect.objectContaining({ place: "Oslo", reading: null })]);
  const reading = { kind: "none", place: "Oslo", sentence: "No." } as const;
  expect(follow(asked, { type: "weather-told", call: "a", reading })).toEqual([
    expect.objectContaining({ reading }),
  ]);
  expect(follow(asked, { type: "weather-told", call: "a", reading: null })).toEqual([]);
  expect(follow(asked, { type: "weather-told", call: "b", reading: null })).toEqual(asked);
});
