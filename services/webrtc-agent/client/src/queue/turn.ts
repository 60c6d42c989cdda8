/** Waits for a place: asks again as often as the service says, until it lets this visitor in. */

import { Trouble } from "../problems/problems";
import { type Place, placeIn } from "./place";

/** Answers that went missing in a row before the visitor hears of it; a deployment costs one or two. */
const MISSING = 4;
const PAUSE_MS = 2000;

type Start<T> = (more: { queue: { ticket?: string } }) => Promise<T>;

/**
 * Start a conversation as soon as it is this visitor's turn.
 *
 * The service holds each request for a while, so that the pauses here are short: browsers slow timers down in a tab that
 * is not seen. A visitor who hangs up gives the place in the queue back.
 *
 * @throws Trouble: the answer is no, and waiting does not help.
 */
export async function inTurn<T>(
  start: Start<T>,
  signal: AbortSignal,
  show: (place: Place | null) => void,
): Promise<T> {
  let place: Place | null = null;
  const leave = (): void => void goodbye(place);
  signal.addEventListener("abort", leave, { once: true });
  try {
    for (let missing = 0; ; ) {
      const began = performance.now();
      const answer = await start({ queue: place ? { ticket: place.ticket } : {} }).then(
        (started) => ({ started }),
        (error: unknown) => ({ error }),
      );
      signal.throwIfAborted();
      if ("started" in answer) {
        show(null);
        return answer.started;
      }
      missing = isMissing(answer.error) ? missing + 1 : 0;
      place = placeAfter(answer.error, missing <= MISSING ? place : null);
      show(place);
      await pause(missing ? PAUSE_MS : place.every * 1000 - (performance.now() - began), signal);
    }
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

/** Give the place after an answer that was no start. */
function placeAfter(error: unknown, before: Place | null): Place {
  const place = error instanceof Trouble ? placeIn(error.queue) : null;
  const kept = place ?? (isMissing(error) ? before : null);
  if (kept === null) {
    throw error;
  }
  return kept;
}

const isMissing = (error: unknown): boolean =>
  error instanceof Trouble && error.problem.kind === "unreachable";

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, Math.max(0, milliseconds));
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}

/** Tell the service that this visitor waits no longer, also while the page goes away. */
async function goodbye(place: Place | null): Promise<void> {
  if (place) {
    await fetch("/leave-queue", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ticket: place.ticket }),
      keepalive: true,
    }).catch(() => undefined);
  }
}
