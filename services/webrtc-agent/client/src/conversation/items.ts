/** The items of a transcript. */

import type { ToolUse } from "../agent/card";
import { cardOf } from "../agent/cards";
import type { Contact } from "../people/contact";

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

/** A call of a tool. It is kept as it was reported, so that cards which are loaded late can show it. */
export interface CardItem extends Entry, ToolUse {
  readonly kind: "card";
  readonly call: string;
}

export interface ContactItem extends Entry {
  readonly kind: "contact";
  readonly contact: Contact;
}

/** The start of a new conversation; the items above belong to an earlier one. */
export interface OpeningItem extends Entry {
  readonly kind: "opening";
}

export type Item = VisitorItem | AgentItem | CardItem | ContactItem | OpeningItem;

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
    case "card":
      return cardOf(item).isShown(item);
    default:
      return true;
  }
}

/** Return whether a card lets the visitor choose, and nothing has followed that answers it. */
export function asksWhich(items: readonly Item[], item: Item): boolean {
  if (item.kind !== "card" || !cardOf(item).asks(item)) {
    return false;
  }
  const later = items.slice(items.indexOf(item) + 1);
  // A sound without words is no answer, and the agent's own question follows the card.
  return later.every((one) => one.kind === "agent" || (one.kind === "visitor" && one.text === ""));
}

/** Return the last call of a tool that has not returned. */
export const pendingUse = (items: readonly Item[]): CardItem | undefined =>
  items.findLast((item): item is CardItem => item.kind === "card" && item.result === null);
