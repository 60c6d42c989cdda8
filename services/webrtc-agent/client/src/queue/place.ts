/** A visitor's place in the queue, and its texts. No I/O. */

import { messageOf } from "../call/server-message";
import { counted, t } from "../texts/texts";

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

/** Return where a visitor is in the queue. */
export const whereIs = (position: number): string =>
  position === 1 ? t("queue_next") : counted("queue_position", position, "ordinal");

/** Return an approximate duration: an estimate must not look exact. */
export function about(seconds: number): string {
  if (seconds < 40) {
    return t("queue_short");
  }
  const minutes = Math.max(1, Math.round(seconds / 60));
  return minutes > 10 ? t("queue_long") : counted("queue_minutes", minutes);
}

/** Return whether a message says that all places were taken while this visitor was connecting. */
export function isFull(message: unknown): boolean {
  return messageOf("session-ended", message)?.reason === "never_connected";
}
