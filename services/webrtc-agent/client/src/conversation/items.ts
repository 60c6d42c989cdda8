/** What a transcript consists of. */

import type { Contact } from "../people/contact";
import type { WeatherReading } from "../weather/reading";

/**
 * `planned`: not heard yet; `speaking`: partly heard; `cut`: the visitor spoke over it; `unheard`: planned, and cut
 * before its first word.
 */
export type Heard = "planned" | "speaking" | "said" | "cut" | "unheard";

export interface Sentence {
  /** The agent's own number of the sentence; each number is one sentence, however often it is reported. */
  readonly segment: number;
  readonly text: string;
  readonly heard: Heard;
  /** How many characters have been heard, while `speaking`. */
  readonly characters: number;
}

interface Entry {
  readonly id: number;
  /** When it began, in milliseconds since 1970. */
  readonly at: number;
}

/** Holds the visitor's place from the start of their speech; without words yet it is not shown. */
export interface VisitorItem extends Entry {
  readonly kind: "visitor";
  readonly text: string;
  readonly typed: boolean;
  readonly final: boolean;
}

/** Holds the place of an answer from its start; without sentences yet it is not shown. */
export interface AgentItem extends Entry {
  readonly kind: "agent";
  readonly sentences: readonly Sentence[];
  /** Since when the agent has been silent; null while it speaks. */
  readonly silentSince: number | null;
  /** The visitor interrupted it: what is reported of it from now on was never heard, unless the report says so. */
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

/** A new conversation begins: what stands above it was said in an earlier one. */
export interface OpeningItem extends Entry {
  readonly kind: "opening";
}

export type Item = VisitorItem | AgentItem | WeatherItem | ContactItem | OpeningItem;

export const nextId = (items: readonly Item[]): number =>
  items.reduce((most, item) => Math.max(most, item.id + 1), 0);

/** What to show of an agent's turn: never words that were not heard. */
export const shown = (sentences: readonly Sentence[]): readonly Sentence[] =>
  sentences.filter((one) => one.heard !== "unheard");

/** Tell whether an item has anything to show. */
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

/** Tell whether a look-up has been asked for whose answer has not come. */
export const isLookingUp = (items: readonly Item[]): boolean =>
  items.some((item) => item.kind === "weather" && item.reading === null);
