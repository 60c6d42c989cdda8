/**
 * The transcript by turn. No I/O: events in, a new list out.
 *
 * Reports arrive in another order than speech: the words of a visitor come after the card that they requested, and
 * sentences that the agent planned arrive after the visitor has interrupted them. So each turn gets its place at its
 * first sign (the visitor starts to speak, the agent starts to answer), and words go to the place of their turn.
 */

import type { Fields } from "../agent/card";
import type { Contact } from "../people/contact";
import {
  type AgentItem,
  type Heard,
  type Item,
  isShown,
  nextId,
  type Sentence,
  type VisitorItem,
} from "./items";

/** Silence after which the agent's next words are a paragraph of their own, in milliseconds. */
export const PARAGRAPH_MS = 2500;

export type TranscriptEvent =
  | { readonly type: "opened" }
  | { readonly type: "closed" }
  | { readonly type: "visitor-started" }
  | { readonly type: "visitor-said"; readonly text: string; readonly final: boolean }
  | { readonly type: "visitor-typed"; readonly text: string }
  | { readonly type: "agent-answering" }
  | { readonly type: "agent-cut" }
  | { readonly type: "agent-finished" }
  | {
      readonly type: "agent-sentence";
      readonly segment: number;
      readonly text: string;
      readonly heard: Exclude<Heard, "cut" | "unheard">;
      readonly characters: number;
      /** A recorded announcement, which belongs to no answer. */
      readonly recorded?: boolean;
    }
  | { readonly type: "tool-called"; readonly call: string; readonly tool: string; readonly given: Fields }
  /** Null: the call was cancelled. */
  | { readonly type: "tool-returned"; readonly call: string; readonly result: Fields | null }
  | { readonly type: "contact-shown"; readonly contact: Contact };

/** The context of an event. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The agent is audible. */
  readonly sounding: boolean;
}

type Items = readonly Item[];

/** Return the transcript after an event. Earlier conversations stay as they are. */
export function follow(items: Items, event: TranscriptEvent, moment: Moment): Items {
  const start = items.findLastIndex((item) => item.kind === "opening") + 1;
  const { at } = moment;
  if (event.type === "opened") {
    return opened(items, at);
  }
  const now: Turns = { items: items.slice(start), at, id: nextId(items) };
  const after = followed(now, event, moment.sounding);
  // An empty conversation needs no heading.
  const before = event.type === "closed" && after.length === 0 ? Math.max(0, start - 1) : start;
  return [...items.slice(0, before), ...after];
}

/** One conversation, the time, and the next free id. */
interface Turns {
  readonly items: Items;
  readonly at: number;
  readonly id: number;
}

function followed(now: Turns, event: Exclude<TranscriptEvent, { type: "opened" }>, sounding: boolean): Items {
  const { items, at, id } = now;
  switch (event.type) {
    case "visitor-started":
      return [...withoutEmptyVisitor(interrupted(now, sounding)), visitor(now, "", false, false)];
    case "visitor-said":
      return visitorSaid(now, event.text.trim(), event.final);
    case "visitor-typed":
      return [
        ...withoutEmptyVisitor(interrupted(now, sounding)),
        visitor(now, event.text.trim(), true, true),
      ];
    case "agent-answering":
      return agentAnswering(now);
    case "agent-cut":
      return interrupted(now, sounding);
    case "closed":
      return interrupted(now, sounding).filter(isSettled);
    case "agent-finished":
      return items.map((item) => (item.kind === "agent" ? finished(item, at) : item));
    case "agent-sentence":
      return agentSentence(now, event, sounding);
    case "tool-called":
      return [
        ...items,
        { kind: "card", id, at, call: event.call, tool: event.tool, given: event.given, result: null },
      ];
    case "tool-returned":
      return toolReturned(items, event.call, event.result);
    case "contact-shown":
      return contactShown(now, event.contact);
  }
}

/** Start another conversation below the transcript, if there is one. */
function opened(items: Items, at: number): Items {
  const said = items.filter(isSettled);
  const kept = said.at(-1)?.kind === "opening" ? said.slice(0, -1) : said;
  return kept.length === 0 ? [] : [...kept, { kind: "opening", id: nextId(items), at }];
}

/** Return whether an item is complete: not an empty place, and not a tool's call without a result. */
const isSettled = (item: Item): boolean => isShown(item) && (item.kind !== "card" || item.result !== null);

/** Return whether part of the sentence has not been heard yet. */
export function isUnfinished(sentence: Sentence): boolean {
  return sentence.heard === "planned" || sentence.heard === "speaking";
}

function visitor({ id, at }: Turns, text: string, typed: boolean, final: boolean): VisitorItem {
  return { kind: "visitor", id, at, text, typed, final };
}

/** Remove a place that was reserved for a sound without words. */
const withoutEmptyVisitor = (items: Items): Items =>
  items.filter((item) => item.kind !== "visitor" || item.text !== "" || item.final);

function visitorSaid(now: Turns, text: string, final: boolean): Items {
  const { items } = now;
  const last = items.findLast((item) => item.kind === "visitor");
  const before = items.findLast((item) => item.kind === "visitor" && item !== last && item.text !== "");
  const typed = last?.text === "" ? before : last;
  if (text === "" || (typed?.kind === "visitor" && typed.typed && sameWords(typed.text, text))) {
    return items; // the model also reports typed text as heard
  }
  if (last && !last.final) {
    return items.map((item) => (item === last ? { ...last, text, final } : item));
  }
  return [...items, visitor(now, text, false, final)];
}

function sameWords(one: string, other: string): boolean {
  const plain = (text: string): string =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, " ")
      .trim();
  return plain(one) === plain(other);
}

/** Cut off what the agent has not said; a later report that a sentence was heard overrides this. */
function interrupted({ items, at }: Turns, sounding: boolean): Items {
  return items.map((item) => {
    if (item.kind !== "agent" || item.silentSince !== null) {
      return item;
    }
    const first = sounding ? item.sentences.findIndex(isUnfinished) : -1;
    const sentences = item.sentences.map((one, index) =>
      isUnfinished(one)
        ? { ...one, heard: index === first || one.heard === "speaking" ? "cut" : "unheard" }
        : one,
    ) as readonly Sentence[];
    return { ...item, sentences, silentSince: at, interrupted: true };
  });
}

/** Mark an answer as finished: the agent has said all that it planned. */
function finished(item: AgentItem, at: number): AgentItem {
  if (item.silentSince !== null || item.sentences.length === 0) {
    return item;
  }
  const sentences = item.sentences.map(
    (one): Sentence => (isUnfinished(one) ? { ...one, heard: "said" } : one),
  );
  return { ...item, sentences, silentSince: at };
}

/** Reserve a place for a new answer; without a silence it continues the paragraph before. */
function agentAnswering(now: Turns): Items {
  const { items } = now;
  const last = items.at(-1);
  return last?.kind === "agent" && isGoingOn(last, now.at) ? items : [...items, answer(now, [])];
}

const answer = ({ id, at }: Turns, sentences: readonly Sentence[]): AgentItem => ({
  kind: "agent",
  id,
  at,
  sentences,
  silentSince: null,
  interrupted: false,
});

const isGoingOn = (item: AgentItem, at: number): boolean =>
  !item.interrupted && (item.silentSince === null || at - item.silentSince < PARAGRAPH_MS);

function agentSentence(
  now: Turns,
  spoken: Extract<TranscriptEvent, { type: "agent-sentence" }>,
  sounding: boolean,
): Items {
  const { items, at } = now;
  const { segment, heard, characters } = spoken;
  const sentence: Sentence = { segment, text: spoken.text.trim(), heard, characters };
  const owner = items.findLast((item): item is AgentItem => item.kind === "agent" && has(item, segment));
  if (owner) {
    const sentences = owner.sentences.map((one) => (one.segment === segment ? further(one, sentence) : one));
    return replaced(items, owner, { ...owner, sentences });
  }
  const last = items.findLast((item): item is AgentItem => item.kind === "agent");
  // An agent that is audible again has started another answer.
  if (last?.interrupted && !(spoken.recorded || sounding)) {
    const late: Sentence = heard === "said" ? sentence : { ...sentence, heard: "unheard" };
    return replaced(items, last, { ...last, sentences: [...last.sentences, late] });
  }
  const isOpen = last && (last === items.at(-1) || last.sentences.length === 0) && isGoingOn(last, at);
  return last && isOpen
    ? replaced(items, last, { ...last, sentences: [...last.sentences, sentence], silentSince: null })
    : [...items, answer(now, [sentence])];
}

const has = (item: AgentItem, segment: number): boolean =>
  item.sentences.some((sentence) => sentence.segment === segment);

const replaced = (items: Items, old: Item, changed: Item): Items =>
  items.map((item) => (item === old ? changed : item));

/** Merge a report about a sentence. Reports may be late: a heard sentence stays heard. */
function further(known: Sentence, spoken: Sentence): Sentence {
  if (
    known.heard === "said" ||
    ((known.heard === "cut" || known.heard === "unheard") && spoken.heard !== "said")
  ) {
    return known;
  }
  return spoken.heard === "planned" ? { ...known, text: spoken.text } : spoken;
}

/** Show a person; a card that is already shown moves down to the current position. */
function contactShown({ items, at, id }: Turns, contact: Contact): Items {
  const others = items.filter((item) => item.kind !== "contact" || item.contact.name !== contact.name);
  return [...others, { kind: "contact", id, at, contact }];
}

/** Set the result of a tool's call; null removes the card, because the call was cancelled. */
function toolReturned(items: Items, call: string, result: Fields | null): Items {
  return items.flatMap((item) => {
    if (item.kind !== "card" || item.call !== call) {
      return [item];
    }
    return result === null ? [] : [{ ...item, result }];
  });
}
