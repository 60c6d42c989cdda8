/** Decide the layout by the length of the conversation. No I/O. */

import type { CallState } from "../call/state";
import { type Item, isShown } from "../conversation/items";

/** A greeting, a question and the start of its answer. More items use the whole page. */
const FEW = 3;

/** Return whether the conversation is so short that orb, status and controls stay together in the middle. */
export function isShort({ items, problem }: CallState): boolean {
  const counted = withoutHiddenCards(items);
  return (
    !problem && counted.length <= FEW && counted.every(({ kind }) => kind === "visitor" || kind === "agent")
  );
}

/** Return whether the visitor has asked nothing yet, so that examples help. */
export function isOpening({ phase, activity, items }: CallState): boolean {
  return (
    phase === "live" &&
    activity !== "thinking" &&
    withoutHiddenCards(items).every(({ kind }) => kind === "agent")
  );
}

/** A tool that shows nothing is not part of the page; other hidden items are places for words that will come. */
const withoutHiddenCards = (items: readonly Item[]): readonly Item[] =>
  items.filter((item) => item.kind !== "card" || isShown(item));
