/** The texts of everything that can go wrong, each with how to fix it. No I/O. */

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

interface Words {
  readonly title: string;
  readonly words: string;
  readonly canType?: true;
}

const WORDS: Readonly<Record<ProblemKind, Words>> = {
  insecure: {
    title: "No microphone at this address",
    words:
      "Browsers allow microphone access only on https. Open the page with https:// (or on localhost). You can still type.",
    canType: true,
  },
  unsupported: {
    title: "This browser cannot make calls",
    words: "It does not support WebRTC. Use a current version of Chrome, Edge, Firefox or Safari.",
  },
  denied: {
    title: "The microphone is blocked",
    words:
      "This page is not allowed to use it. Click the icon left of the address, allow the microphone, and try again. You can also type.",
    canType: true,
  },
  "no-microphone": {
    title: "No microphone found",
    words: "Connect a microphone or turn it on, then try again. You can also type.",
    canType: true,
  },
  "microphone-taken": {
    title: "The microphone is in use",
    words:
      "Another program is using it. Close that program or choose another microphone, then try again. You can also type.",
    canType: true,
  },
  "microphone-lost": {
    title: "The microphone was disconnected",
    words: "It was unplugged or turned off. Choose another one in the settings; until then you can type.",
    canType: true,
  },
  "microphone-changed": {
    title: "Another microphone is in use",
    words:
      "Your devices changed, and the conversation continues. You can choose another one in the settings.",
  },
  "speaker-changed": {
    title: "Another speaker is in use",
    words:
      "Your devices changed, and the conversation continues. You can choose another one in the settings.",
  },
  busy: {
    title: "All our lines are busy",
    words: "This page tries again automatically. You can leave it open.",
  },
  closed: {
    title: "No more conversations today",
    words: "We have reached our limit for today. Please try again tomorrow.",
  },
  consent: {
    title: "Please agree first",
    words: "A conversation can start once you have agreed to the notice. Tick “I agree”, then try again.",
  },
  limited: {
    title: "Too many conversations",
    words: "Many conversations were started from your network within a short time. Please wait a moment.",
  },
  refused: {
    title: "The agent could not start",
    words: "The service refused the conversation. Please try again.",
  },
  unreachable: {
    title: "The service cannot be reached",
    words: "It did not answer. Check your internet connection, then try again.",
  },
  "no-route": {
    title: "No audio connection",
    words:
      "The service answers, but audio does not get through: this network probably blocks it. Try another network, such as a phone's hotspot, or turn off your VPN.",
  },
  "no-agent": {
    title: "The agent did not answer",
    words: "You are connected, but the agent did not start to speak. Please try again.",
  },
  daily: {
    title: "The room could not be joined",
    words: "Daily did not admit you to the call room, or your network blocks it. Please try again.",
  },
  outdated: {
    title: "This page is out of date",
    words: "A new version was installed since you opened it. Please reload the page.",
  },
  lost: {
    title: "The connection was lost",
    words:
      "We have not received anything from you for too long. The transcript stays here; try again to continue.",
  },
  "service-lost": {
    title: "Our service was interrupted",
    words: "This was not your network. The transcript stays here; try again to continue.",
  },
  forgotten: {
    title: "The conversation cannot be continued",
    words: "The service no longer has it. The transcript stays here; try again to start a new conversation.",
  },
  "not-taken": {
    title: "The agent could not read that",
    words: "Please try a shorter message.",
  },
  failed: { title: "Something went wrong", words: "The conversation had to stop. Please try again." },
};

/** Return a problem; `said` is the service's own text, which replaces ours. */
export function problem(
  kind: ProblemKind,
  { wait = null, said }: { wait?: number | null; said?: string } = {},
): Problem {
  const { title, words, canType } = WORDS[kind];
  return { kind, title, words: said || words, canType: canType === true, wait };
}

/** Return which device a call continues with, after the current one was disconnected or the system chose another. */
export function deviceChange(kind: "microphone" | "speaker", label: string): Problem {
  const name = label || `another ${kind}`;
  const said =
    kind === "microphone"
      ? `The agent now hears you through ${name}.`
      : `You now hear the agent through ${name}.`;
  return problem(`${kind}-changed`, { said: `${said} You can choose another one in the settings.` });
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
