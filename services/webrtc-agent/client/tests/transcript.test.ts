import { expect, test } from "vitest";
import { type Item, isShown, shown } from "../src/conversation/items";
import { linesOf, transcriptOf } from "../src/conversation/record";
import { follow, PARAGRAPH_MS, type TranscriptEvent } from "../src/conversation/transcript";

/** Play events one millisecond apart; a number is a pause, "silent" and "sounding" stop and start the agent's audio. */
function played(start: readonly Item[], ...steps: (TranscriptEvent | number | "silent" | "sounding")[]) {
  let items = start;
  let moment = { at: 0, sounding: true };
  for (const step of steps) {
    if (typeof step === "number") {
      moment = { ...moment, at: moment.at + step };
    } else if (typeof step === "string") {
      moment = { ...moment, sounding: step === "sounding" };
    } else {
      moment = { ...moment, at: moment.at + 1 };
      items = follow(items, step, moment);
    }
  }
  return items;
}
const all = (...steps: (TranscriptEvent | number | "silent" | "sounding")[]) => played([], ...steps);
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
    said("what is your address", false),
    said("What is your address?"),
  );
  expect(items).toEqual([expect.objectContaining({ text: "What is your address?", final: true })]);
});

test("silence says nothing", () => {
  expect(all(said("  "))).toEqual([]);
});

test("a tool's call has its place at once, its result later, and none when it is given up", () => {
  const called = all({ type: "tool-called", call: "a", tool: "book", given: { people: 2 } });
  expect(called).toEqual([expect.objectContaining({ tool: "book", given: { people: 2 }, result: null })]);
  const result = { card: { title: "Table" } };
  expect(played(called, { type: "tool-returned", call: "a", result })).toEqual([
    expect.objectContaining({ result }),
  ]);
  expect(played(called, { type: "tool-returned", call: "a", result: null })).toEqual([]);
  expect(played(called, { type: "tool-returned", call: "b", result: null })).toEqual(called);
});

const kinds = (items: readonly Item[]) => items.filter(isShown).map((item) => item.kind);
const STARTED = { type: "visitor-started" } as const;
const ANSWERING = { type: "agent-answering" } as const;
const FINISHED = { type: "agent-finished" } as const;
const CONTACT = {
  type: "contact-shown",
  contact: { name: "Reception", number: "+46850000000", url: null },
} as const;

test("a card stands below the sentence that asked for it, though it arrives first", () => {
  expect(kinds(all(STARTED, CONTACT, said("I want to talk to a human")))).toEqual(["visitor", "contact"]);
});

test("a sound that was no words leaves no trace and holds no place", () => {
  const items = all(STARTED, CONTACT, STARTED, said("hello"));
  expect(kinds(items)).toEqual(["contact", "visitor"]);
});

test("a sentence that is reported after the visitor typed over it is not shown, and never below their words", () => {
  const typed = { type: "visitor-typed", text: "And in Oslo?" } as const;
  const items = all(
    ANSWERING,
    sentence(1, "Hello!", "said"),
    typed,
    "silent",
    sentence(2, "Ask me.", "planned"),
  );
  expect(kinds(items)).toEqual(["agent", "visitor"]);
  expect(sentences(items)).toEqual([["Hello!", "said"]]);
  const next = played(items, ANSWERING, sentence(3, "It is 1 degree.", "said"));
  expect(kinds(next)).toEqual(["agent", "visitor", "agent"]);
});

test("before its first sound an answer that is cut off has said nothing", () => {
  expect(sentences(all("silent", ANSWERING, sentence(1, "Hello!", "planned"), STARTED))).toEqual([]);
});

test("a late sentence that was heard all the same is shown in its own turn", () => {
  const items = all(
    ...([
      ANSWERING,
      sentence(1, "One.", "said"),
      STARTED,
      "silent",
      said("hm"),
      sentence(2, "Two.", "said"),
    ] as const),
  );
  expect(kinds(items)).toEqual(["agent", "visitor"]);
  expect(sentences(items)).toEqual([
    ["One.", "said"],
    ["Two.", "said"],
  ]);
});

test("silence parts paragraphs, and a breath does not", () => {
  const greeting = [ANSWERING, sentence(1, "Hello!", "said"), FINISHED] as const;
  const still = [ANSWERING, sentence(2, "Are you still there?", "said")] as const;
  expect(kinds(all(...greeting, PARAGRAPH_MS, ...still))).toEqual(["agent", "agent"]);
  expect(kinds(all(...greeting, PARAGRAPH_MS / 2, ...still))).toEqual(["agent"]);
});

test("what a recording says is a caption, also after an interruption", () => {
  const caption = { ...sentence(9, "Let me look that up.", "said"), recorded: true };
  const items = all(ANSWERING, sentence(1, "Hello!", "planned"), STARTED, said("Oslo?"), caption);
  expect(kinds(items)).toEqual(["agent", "visitor", "agent"]);
  expect(sentences(items).at(-1)).toEqual(["Let me look that up.", "said"]);
});

test("a new conversation begins below the old one, and its numbers are its own", () => {
  const old = all(sentence(1, "Hello.", "said"), { type: "tool-called", call: "a", tool: "book", given: {} });
  const items = played(old, { type: "opened" }, sentence(1, "Hello again.", "said"));
  expect(kinds(items)).toEqual(["agent", "opening", "agent"]);
  expect(sentences(items).map(([text]) => text)).toEqual(["Hello.", "Hello again."]);
  expect(new Set(items.map((item) => item.id)).size).toBe(3);
  expect(kinds(played(old, { type: "opened" }, { type: "opened" }))).toEqual(["agent", "opening"]);
  expect(all({ type: "opened" })).toEqual([]);
});

test("a transcript can be written as lines and built from them", () => {
  const items = all(sentence(1, "Hello.", "said"), said("hi"), sentence(2, "Yes?", "said"), "silent", {
    type: "agent-cut",
  });
  const lines = linesOf(items);
  expect(lines).toEqual([
    { role: "assistant", text: "Hello.", at: 1 },
    { role: "user", text: "hi", at: 2 },
    { role: "assistant", text: "Yes?", at: 3 },
  ]);
  const restored = transcriptOf([...lines, { role: "user", text: "  ", at: 4 }]);
  expect(linesOf(restored)).toEqual(lines);
  expect(kinds(played(restored, sentence(0, "Still here.", "said")))).toEqual([
    "agent",
    "visitor",
    "agent",
    "agent",
  ]);
});
