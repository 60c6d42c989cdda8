/** What has been said and shown, in order. No I/O: events in, a new list out. */

import type { Contact } from "../people/contact";
import type { WeatherReading } from "../weather/reading";

/** `planned`: not heard yet; `speaking`: partly heard; `cut`: the visitor spoke over it. */
export type Heard = "planned" | "speaking" | "said" | "cut";

export interface Sentence {
  /** The agent's own number of the sentence; each number is one sentence, however often it is reported. */
  readonly segment: number;
  readonly text: string;
  readonly heard: Heard;
  /** How many characters have been heard, while `speaking`. */
  readonly characters: number;
}

export type Item =
  | {
      readonly kind: "visitor";
      readonly id: number;
      readonly text: string;
      readonly typed: boolean;
      readonly final: boolean;
    }
  | { readonly kind: "agent"; readonly id: number; readonly sentences: readonly Sentence[] }
  | {
      readonly kind: "weather";
      readonly id: number;
      readonly call: string;
      readonly place: string;
      readonly reading: WeatherReading | null;
    }
  | { readonly kind: "contact"; readonly id: number; readonly contact: Contact };

export type TranscriptEvent =
  | { readonly type: "visitor-said"; readonly text: string; readonly final: boolean }
  | { readonly type: "visitor-typed"; readonly text: string }
  | { readonly type: "agent-cut" }
  | { readonly type: "agent-finished" }
  | {
      readonly type: "agent-sentence";
      readonly segment: number;
      readonly text: string;
      readonly heard: Exclude<Heard, "cut">;
      readonly characters: number;
    }
  | { readonly type: "weather-asked"; readonly call: string; readonly place: string }
  | { readonly type: "weather-told"; readonly call: string; readonly reading: WeatherReading | null }
  | { readonly type: "contact-shown"; readonly contact: Contact };

/** Give the transcript after an event. */
export function follow(items: readonly Item[], event: TranscriptEvent): readonly Item[] {
  switch (event.type) {
    case "visitor-said":
      return visitorSaid(items, event.text.trim(), event.final);
    case "visitor-typed":
      return [...close(items, "cut"), visitor(items, event.text.trim(), true, true)];
    case "agent-cut":
      return close(items, "cut");
    case "agent-finished":
      return close(items, "said");
    case "agent-sentence":
      return agentSentence(items, { ...event, text: event.text.trim() });
    case "weather-asked":
      return [
        ...items,
        { kind: "weather", id: nextId(items), call: event.call, place: event.place, reading: null },
      ];
    case "weather-told":
      return weatherTold(items, event.call, event.reading);
    case "contact-shown":
      return contactShown(items, event.contact);
  }
}

/** Tell whether some of the agent's planned words are still to be heard. */
export function isUnfinished(sentence: Sentence): boolean {
  return sentence.heard === "planned" || sentence.heard === "speaking";
}

function visitor(items: readonly Item[], text: string, typed: boolean, final: boolean): Item {
  return { kind: "visitor", id: nextId(items), text, typed, final };
}

function visitorSaid(items: readonly Item[], text: string, final: boolean): readonly Item[] {
  const last = items.findLast((item) => item.kind === "visitor");
  if (text === "" || (last?.typed && sameWords(last.text, text))) {
    return items; // the model reports typed words as heard ones too
  }
  if (last && !last.final) {
    return items.map((item) => (item === last ? { ...last, text, final } : item));
  }
  return [...items, visitor(items, text, false, final)];
}

function sameWords(one: string, other: string): boolean {
  const plain = (text: string): string =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, " ")
      .trim();
  return plain(one) === plain(other);
}

/** Say what became of the sentences still to be heard; a later report that one was heard wins over a cut. */
function close(items: readonly Item[], heard: "cut" | "said"): readonly Item[] {
  const closed = (one: Sentence): Sentence => (isUnfinished(one) ? { ...one, heard } : one);
  return items.map((item) =>
    item.kind === "agent" && item.sentences.some(isUnfinished)
      ? { ...item, sentences: item.sentences.map(closed) }
      : item,
  );
}

/** What to show of an agent's turn: of the words it was cut off in, only the sentence it was saying. */
export function shown(sentences: readonly Sentence[]): readonly Sentence[] {
  const first = sentences.findIndex((one) => one.heard === "cut");
  return sentences.filter((one, at) => one.heard !== "cut" || at === first);
}

function agentSentence(items: readonly Item[], sentence: Sentence): readonly Item[] {
  const { segment, text, heard, characters } = sentence;
  const told: Sentence = { segment, text, heard, characters };
  const owner = items.findLast((item) => item.kind === "agent" && item.sentences.some(has(segment)));
  if (owner?.kind === "agent") {
    const sentences = owner.sentences.map((one) => (one.segment === segment ? further(one, told) : one));
    return items.map((item) => (item === owner ? { ...owner, sentences } : item));
  }
  const last = items.at(-1);
  if (last?.kind === "agent") {
    return [...items.slice(0, -1), { ...last, sentences: [...last.sentences, told] }];
  }
  return [...items, { kind: "agent", id: nextId(items), sentences: [told] }];
}

function has(segment: number): (sentence: Sentence) => boolean {
  return (sentence) => sentence.segment === segment;
}

/** Reports may come late: what was heard once stays heard. */
function further(known: Sentence, told: Sentence): Sentence {
  if (known.heard === "said" || (known.heard === "cut" && told.heard !== "said")) {
    return known;
  }
  return told.heard === "planned" ? { ...known, text: told.text } : told;
}

/** Somebody who was shown before moves down to where they are spoken of now. */
function contactShown(items: readonly Item[], contact: Contact): readonly Item[] {
  const others = items.filter((item) => item.kind !== "contact" || item.contact.name !== contact.name);
  return [...others, { kind: "contact", id: nextId(items), contact }];
}

function nextId(items: readonly Item[]): number {
  return items.reduce((most, item) => Math.max(most, item.id + 1), 0);
}

/** A null reading takes the card away: the look-up was given up. */
function weatherTold(items: readonly Item[], call: string, reading: WeatherReading | null): readonly Item[] {
  return items.flatMap((item) => {
    if (item.kind !== "weather" || item.call !== call) {
      return [item];
    }
    return reading === null ? [] : [{ ...item, reading }];
  });
}
