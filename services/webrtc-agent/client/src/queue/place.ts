/** A visitor's place in the queue, and its texts. No I/O. */

import { messageOf } from "../call/server-message";

export interface Place {
  /** Keeps the place with the next request. */
  readonly ticket: string;
  readonly position: number;
  /** The service's estimate of the wait. */
  readonly seconds: number;
  /** Seconds between two requests. */
  readonly every: number;
}

/** Parse the place from a refusal's body; null if there is none. */
export function placeIn(queue: unknown): Place | null {
  const { ticket, position, seconds, every } = (queue ?? {}) as Partial<Record<keyof Place, unknown>>;
  const numbers = [position, seconds, every].every((one) => typeof one === "number" && Number.isFinite(one));
  return typeof ticket === "string" && numbers ? ({ ticket, position, seconds, every } as Place) : null;
}

const ENDINGS: Partial<Record<Intl.LDMLPluralRule, string>> = { one: "st", two: "nd", few: "rd" };
const RULES = new Intl.PluralRules("en", { type: "ordinal" });

/** Return the ordinal: 1st, 2nd, 3rd, 11th. */
export function ordinal(position: number): string {
  return `${position}${ENDINGS[RULES.select(position)] ?? "th"}`;
}

/** Return an approximate duration: an estimate must not look exact. */
export function about(seconds: number): string {
  if (seconds < 40) {
    return "less than a minute";
  }
  const minutes = Math.round(seconds / 60);
  if (minutes > 10) {
    return "more than ten minutes";
  }
  return minutes <= 1 ? "about a minute" : `about ${minutes} minutes`;
}

/** Return whether a message says that all places were taken while this visitor was connecting. */
export function isFull(message: unknown): boolean {
  return messageOf("session-ended", message)?.reason === "never_connected";
}
