/** Wait for a free place: poll as often as the service says, until it admits this visitor. */

import { Trouble } from "../problems/problems";
import { type Place, placeIn } from "./place";

/** Consecutive requests without a response before the visitor is notified; a deployment causes one or two. */
const MISSING = 4;
const PAUSE_MS = 2000;

type Start<T> = (more: { queue: { ticket?: string } }) => Promise<T>;

/**
 * Start a conversation when it is this visitor's turn.
 *
 * The service holds each request for a while, so the pauses here are short: browsers throttle timers in a tab that
 * is hidden. A visitor who hangs up returns the place in the queue.
 *
 * @throws Trouble: The service refuses, and waiting does not help.
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

/** Return the place after a response that was not a start. */
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

/** Notify the service that this visitor no longer waits, also while the page is being left. */
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
