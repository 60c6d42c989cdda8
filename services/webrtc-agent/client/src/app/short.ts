/** How much of a conversation there is to show. No I/O. */

import type { CallState } from "../call/state";

/** More items than a greeting, a question and the beginning of its answer take the whole page. */
const FEW = 3;

/** Tell whether so little has been said that orb, words and controls stand together in the middle. */
export function isShort({ items, problem }: CallState): boolean {
  return !problem && items.length <= FEW && items.every(({ kind }) => kind === "visitor" || kind === "agent");
}

/** Tell whether nothing has been asked yet, so that examples help. */
export function isOpening({ phase, activity, items }: CallState): boolean {
  return phase === "live" && activity !== "thinking" && items.every(({ kind }) => kind === "agent");
}
