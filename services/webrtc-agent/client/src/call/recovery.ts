/** Resume a conversation after its connection was lost: find the cause, retry, and give up when the time is over. */

import type { Cause } from "../problems/outage";
import { Trouble } from "../problems/problems";

const PROBE_MS = 2500;
/** Wait this long for the old connection to recover: then the agent repeats nothing. */
const GRACE_MS = 1600;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 4000;

export interface Recovery {
  /** Return whether the old connection works again. */
  readonly steady: () => boolean;
  /** Open a new connection for the same conversation. */
  readonly comeBack: () => Promise<void>;
  readonly tell: (cause: Cause) => void;
  /** Time limit, in milliseconds. */
  readonly within: number;
  /** Return whether the old connection is closed and cannot recover. */
  readonly gone: () => boolean;
  readonly signal: AbortSignal;
}

/** `steady`: the old connection recovered; `back`: a new one works; otherwise the last cause, or the service's refusal. */
export type Outcome = "steady" | "back" | "stopped" | Cause | Trouble;

export async function recover(recovery: Recovery): Promise<Outcome> {
  const { signal } = recovery;
  const until = Date.now() + recovery.within;
  let last: Cause = isOffline() ? "offline" : "unknown";
  recovery.tell(last);
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
    const found = await tryOnce(recovery);
    if (typeof found !== "string" || DONE.has(found)) {
      return found;
    }
    last = found as Cause;
    recovery.tell(last);
    if (Date.now() >= until) {
      return last;
    }
    await sleep(pause, signal);
  }
}

const DONE: ReadonlySet<string> = new Set(["steady", "back", "stopped"]);

async function tryOnce(recovery: Recovery): Promise<Outcome> {
  const { signal } = recovery;
  const found = await reach(signal);
  if (found === "unknown" && !recovery.gone()) {
    await sleep(GRACE_MS, signal);
  }
  if (signal.aborted) {
    return "stopped";
  }
  if (recovery.steady()) {
    return "steady";
  }
  return found === "unknown" ? await attempt(recovery) : found;
}

async function attempt(recovery: Recovery): Promise<Outcome> {
  try {
    await recovery.comeBack();
    return "back";
  } catch (error) {
    if (recovery.signal.aborted) {
      return "stopped";
    }
    return error instanceof Trouble && error.problem.kind === "forgotten" ? error : "service";
  }
}

/** Check whether the service is reachable; `unknown` means that it is, so the cause is another. */
async function reach(signal: AbortSignal): Promise<Cause> {
  if (isOffline()) {
    return "offline";
  }
  try {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]);
    const answer = await fetch("/health", { cache: "no-store", signal: patience });
    return answer.ok ? "unknown" : "service";
  } catch {
    return isOffline() ? "offline" : "network";
  }
}

const isOffline = (): boolean => navigator.onLine === false;

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((then) => {
    const waking = new AbortController();
    const wake = (): void => {
      clearTimeout(timer);
      waking.abort();
      then();
    };
    const timer = setTimeout(wake, milliseconds);
    signal.addEventListener("abort", wake, { once: true, signal: waking.signal });
    addEventListener("online", wake, { once: true, signal: waking.signal });
  });
}
