/** Decide the layout by the length of the conversation. No I/O. */

import type { CallState } from "../call/state";

/** A greeting, a question and the start of its answer. More items use the whole page. */
const FEW = 3;

/** Return whether the conversation is so short that orb, status and controls stay together in the middle. */
export function isShort({ items, problem }: CallState): boolean {
  return !problem && items.length <= FEW && items.every(({ kind }) => kind === "visitor" || kind === "agent");
}

/** Return whether the visitor has asked nothing yet, so that examples help. */
export function isOpening({ phase, activity, items }: CallState): boolean {
  return phase === "live" && activity !== "thinking" && items.every(({ kind }) => kind === "agent");
}
