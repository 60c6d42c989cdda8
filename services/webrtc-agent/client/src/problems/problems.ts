/** Everything that can go wrong, in words, each with the step that helps. No I/O. */

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
  /** Talking needs no microphone that works: typing does. */
  readonly canType: boolean;
  /** Seconds until another try makes sense. */
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
      "This address is not https, so the browser gives no microphone. Open the page with https:// (or on localhost). You can still type.",
    canType: true,
  },
  unsupported: {
    title: "This browser cannot make calls",
    words: "It has no WebRTC. A current Chrome, Edge, Firefox or Safari has.",
  },
  denied: {
    title: "The microphone is blocked",
    words:
      "The browser was told not to give it to this page. Click the icon left of the address, allow the microphone, and try again. You can also type.",
    canType: true,
  },
  "no-microphone": {
    title: "No microphone found",
    words: "Plug one in or switch it on, then try again. You can also type.",
    canType: true,
  },
  "microphone-taken": {
    title: "The microphone is in use",
    words:
      "Another program holds it. Close that program or choose another microphone, then try again. You can also type.",
    canType: true,
  },
  "microphone-lost": {
    title: "The microphone is gone",
    words: "It was unplugged or switched off. Choose another one in the settings; until then you can type.",
    canType: true,
  },
  "microphone-changed": {
    title: "Another microphone is in use",
    words: "Your devices changed, and the conversation goes on. The settings let you choose another one.",
  },
  "speaker-changed": {
    title: "The sound comes from another speaker",
    words: "Your devices changed, and the conversation goes on. The settings let you choose another one.",
  },
  busy: {
    title: "All our lines are busy",
    words: "This page tries again by itself. You can leave it open and wait.",
  },
  closed: {
    title: "No more conversations today",
    words: "We have reached our limit for today. Please try again tomorrow.",
  },
  consent: {
    title: "Please agree first",
    words:
      "This page may start a conversation once you have agreed to the notice. Tick “I agree”, then try again.",
  },
  limited: {
    title: "That was a bit often",
    words: "From your network many conversations were started within a short time. Please wait a moment.",
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
    title: "No connection for the sound",
    words:
      "The service answers, but no sound gets through: this network probably blocks it. Try another network, such as a phone's hotspot, or without a VPN.",
  },
  "no-agent": {
    title: "The agent did not answer",
    words: "The connection stands, but nobody spoke at the other end. Please try again.",
  },
  daily: {
    title: "The room could not be joined",
    words: "The call room at Daily did not let you in, or the network blocks it. Please try again.",
  },
  outdated: {
    title: "This page is out of date",
    words: "A new version was installed since you opened it. Please reload the page.",
  },
  lost: {
    title: "The connection was lost",
    words:
      "Nothing has reached us from here for too long. What was said stays here; try again to go on with it.",
  },
  "service-lost": {
    title: "Our service has dropped out",
    words: "It was not your network. What was said stays here; try again to go on with it.",
  },
  forgotten: {
    title: "The conversation cannot be continued",
    words: "The service does not know it any more. What was said stays here; try again to start a new one.",
  },
  "not-taken": {
    title: "The agent did not take that",
    words: "It could not read the message. Please try a shorter one.",
  },
  failed: { title: "Something went wrong", words: "The conversation had to stop. Please try again." },
};

/** Describe a problem; `said` are the service's own words, where it has better ones than ours. */
export function problem(
  kind: ProblemKind,
  { wait = null, said }: { wait?: number | null; said?: string } = {},
): Problem {
  const { title, words, canType } = WORDS[kind];
  return { kind, title, words: said || words, canType: canType === true, wait };
}

/** Say which device a call goes on with, after the one in use was unplugged or the system chose another. */
export function deviceChange(kind: "microphone" | "speaker", label: string): Problem {
  const name = label || `the other ${kind}`;
  const said =
    kind === "microphone"
      ? `The agent hears you through ${name} now.`
      : `You hear the agent through ${name} now.`;
  return problem(`${kind}-changed`, { said: `${said} The settings let you choose another one.` });
}

/** A problem on its way up the stack. */
export class Trouble extends Error {
  readonly problem: Problem;
  /** The place in the queue that came with it, as the service wrote it. */
  readonly queue: unknown;

  constructor(what: Problem, queue?: unknown) {
    super(what.title);
    this.problem = what;
    this.queue = queue;
  }
}

/** Name what kept the browser from giving a microphone, by the DOMException that getUserMedia raised. */
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

/** What came with a refusal, beside its status. */
export interface Refusal {
  /** Its header of that name. */
  readonly retryAfter?: string | null;
  /** The service's own words. */
  readonly said?: string | undefined;
  /** The service has no place; it is not that this network asked too often. */
  readonly busy?: boolean;
  /** The service takes no conversation today. */
  readonly closed?: boolean;
  /** The service wants the visitor to agree to its notice. */
  readonly consent?: boolean;
}

/** Say what the service's refusal means. */
export function refusal(status: number, answer: Refusal = {}): Problem {
  const { retryAfter = null, said, busy = false, closed = false, consent = false } = answer;
  const words = said === undefined ? {} : { said };
  if (closed || consent) {
    return problem(closed ? "closed" : "consent");
  }
  if (busy || status === 503) {
    // Our own words: the countdown beside them is the only time that is named.
    return problem("busy", { wait: seconds(retryAfter) ?? 15 });
  }
  if (status === 429) {
    return problem("limited", { wait: seconds(retryAfter) ?? 30 });
  }
  return status === 502 || status === 504 ? problem("unreachable") : problem("refused", words);
}

/** Retry-After is a number of seconds or a date; no one should look at a countdown of hours. */
function seconds(retryAfter: string | null): number | null {
  if (retryAfter === null || retryAfter.trim() === "") {
    return null;
  }
  const plain = Number(retryAfter);
  const wait = Number.isNaN(plain) ? (Date.parse(retryAfter) - Date.now()) / 1000 : plain;
  return Number.isNaN(wait) ? null : Math.min(Math.max(Math.ceil(wait), 1), 600);
}
