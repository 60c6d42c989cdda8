/** The items of a transcript. */

import type { Contact } from "../people/contact";
import type { WeatherReading } from "../weather/reading";

/**
 * `planned`: not heard yet; `speaking`: partly heard; `cut`: interrupted by the visitor; `unheard`: planned, and cut
 * before its first word.
 */
export type Heard = "planned" | "speaking" | "said" | "cut" | "unheard";

export interface Sentence {
  /** The agent's number of the sentence; each number is one sentence, however often it is reported. */
  readonly segment: number;
  readonly text: string;
  readonly heard: Heard;
  /** How many characters have been heard, while `speaking`. */
  readonly characters: number;
}

interface Entry {
  readonly id: number;
  /** Start, in milliseconds since 1970. */
  readonly at: number;
}

/** Reserves the visitor's place from the start of their speech; hidden until it has text. */
export interface VisitorItem extends Entry {
  readonly kind: "visitor";
  readonly text: string;
  readonly typed: boolean;
  readonly final: boolean;
}

/** Reserves the place of an answer from its start; hidden until it has sentences. */
export interface AgentItem extends Entry {
  readonly kind: "agent";
  readonly sentences: readonly Sentence[];
  /** Since when the agent has been silent; null while it speaks. */
  readonly silentSince: number | null;
  /** The visitor interrupted it: later sentences of it were not heard, unless their report says so. */
  readonly interrupted: boolean;
}

export interface WeatherItem extends Entry {
  readonly kind: "weather";
  readonly call: string;
  readonly place: string;
  readonly reading: WeatherReading | null;
}

export interface ContactItem extends Entry {
  readonly kind: "contact";
  readonly contact: Contact;
}

/** The start of a new conversation; the items above belong to an earlier one. */
export interface OpeningItem extends Entry {
  readonly kind: "opening";
}

export type Item = VisitorItem | AgentItem | WeatherItem | ContactItem | OpeningItem;

export const nextId = (items: readonly Item[]): number =>
  items.reduce((most, item) => Math.max(most, item.id + 1), 0);

/** Return the sentences to show: never words that were not heard. */
export const shown = (sentences: readonly Sentence[]): readonly Sentence[] =>
  sentences.filter((one) => one.heard !== "unheard");

/** Return whether an item has anything to show. */
export function isShown(item: Item): boolean {
  switch (item.kind) {
    case "visitor":
      return item.text !== "";
    case "agent":
      return shown(item.sentences).length > 0;
    default:
      return true;
  }
}

/** Return whether an item asks the visitor which place they mean, and nothing has followed that answers it. */
export function asksWhich(items: readonly Item[], item: Item): boolean {
  if (item.kind !== "weather" || item.reading?.kind !== "which") {
    return false;
  }
  const later = items.slice(items.indexOf(item) + 1);
  // A sound without words is no answer, and the agent's own question follows the card.
  return later.every((one) => one.kind === "agent" || (one.kind === "visitor" && one.text === ""));
}

/** Return whether a look-up is waiting for its result. */
export const isLookingUp = (items: readonly Item[]): boolean =>
  items.some((item) => item.kind === "weather" && item.reading === null);
