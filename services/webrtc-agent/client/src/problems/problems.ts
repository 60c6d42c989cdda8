/** The texts of everything that can go wrong, each with how to fix it. No I/O. */

import { t } from "../texts/texts";

export type ProblemKind =
  | "insecure"
  | "unsupported"
  | "denied"
  | "no-microphone"
  | "microphone-taken"
  | "microphone-lost"
  | "microphone-changed"
  | "speaker-changed"
  | "busy"
  | "closed"
  | "consent"
  | "limited"
  | "refused"
  | "unreachable"
  | "no-route"
  | "no-agent"
  | "daily"
  | "outdated"
  | "lost"
  | "service-lost"
  | "forgotten"
  | "not-taken"
  | "failed";

export interface Problem {
  readonly kind: ProblemKind;
  readonly title: string;
  /** What happened, and what the visitor can do next. */
  readonly words: string;
  /** The visitor can type instead. */
  readonly canType: boolean;
  /** Seconds until a retry makes sense. */
  readonly wait: number | null;
}

/** Without a microphone, typing is still possible. */
const TYPING: ReadonlySet<ProblemKind> = new Set([
  "insecure",
  "denied",
  "no-microphone",
  "microphone-taken",
  "microphone-lost",
]);

/** The text of a kind has its name, and the title the same with an ending. */
type Named<Kind extends string> = Kind extends `${infer Before}-${infer After}`
  ? Named<`${Before}_${After}`>
  : Kind;
const named = <Kind extends ProblemKind>(kind: Kind): Named<Kind> => kind.replaceAll("-", "_") as Named<Kind>;

/** Return a problem; `said` is the service's own text, which replaces ours. */
export function problem(
  kind: ProblemKind,
  { wait = null, said }: { wait?: number | null; said?: string } = {},
): Problem {
  const key = named(kind);
  return { kind, title: t(`${key}_title`), words: said || t(key), canType: TYPING.has(kind), wait };
}

/** Return which device a call continues with, after the current one was disconnected or the system chose another. */
export function deviceChange(kind: "microphone" | "speaker", label: string): Problem {
  return problem(`${kind}-changed`, label === "" ? {} : { said: t(`${kind}_changed_to`, { device: label }) });
}

/** An error that carries a problem. */
export class Trouble extends Error {
  readonly problem: Problem;
  /** The place in the queue from the same response, unparsed. */
  readonly queue: unknown;

  constructor(what: Problem, queue?: unknown) {
    super(what.title);
    this.problem = what;
    this.queue = queue;
  }
}

/** Return the problem for a DOMException of getUserMedia. */
export function microphoneProblem(error: unknown): Problem {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") {
    return problem("denied");
  }
  if (name === "NotReadableError" || name === "AbortError") {
    return problem("microphone-taken");
  }
  return problem(name === "NotFoundError" || name === "OverconstrainedError" ? "no-microphone" : "failed");
}

/** The content of a refusal, besides its status. */
export interface Refusal {
  /** The Retry-After header. */
  readonly retryAfter?: string | null;
  /** The service's own text. */
  readonly said?: string | undefined;
  /** All places are taken; the network has not exceeded its rate limit. */
  readonly busy?: boolean;
  /** The service accepts no more conversations today. */
  readonly closed?: boolean;
  /** The visitor must agree to the notice first. */
  readonly consent?: boolean;
}

/** Return the problem for a refusal of the service. */
export function refusal(status: number, answer: Refusal = {}): Problem {
  const { retryAfter = null, said, busy = false, closed = false, consent = false } = answer;
  const words = said === undefined ? {} : { said };
  if (closed || consent) {
    return problem(closed ? "closed" : "consent");
  }
  if (busy || status === 503) {
    // Our own text: the countdown beside it is the only time shown.
    return problem("busy", { wait: seconds(retryAfter) ?? 15 });
  }
  if (status === 429) {
    return problem("limited", { wait: seconds(retryAfter) ?? 30 });
  }
  return status === 502 || status === 504 ? problem("unreachable") : problem("refused", words);
}

/** Parse Retry-After, a number of seconds or a date; at most ten minutes, because visitors do not wait for hours. */
function seconds(retryAfter: string | null): number | null {
  if (retryAfter === null || retryAfter.trim() === "") {
    return null;
  }
  const plain = Number(retryAfter);
  const wait = Number.isNaN(plain) ? (Date.parse(retryAfter) - Date.now()) / 1000 : plain;
  return Number.isNaN(wait) ? null : Math.min(Math.max(Math.ceil(wait), 1), 600);
}
