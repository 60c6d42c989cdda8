/** Request a conversation from the service. */

import { agentField } from "../agent/page";
import { formats } from "../locale/locale";
import { problem, refusal, Trouble } from "../problems/problems";
import { t } from "../texts/texts";

const PATIENCE_MS = 12_000;
/** Statuses for a claimed conversation that is unknown, continues in another tab, or has ended. */
const GONE = new Set([404, 409, 410]);

/** What the page needs to resume the conversation. */
export interface Resume {
  readonly token: string;
  readonly seconds: number;
  readonly resumed: boolean;
}

/** What the page sends to resume. */
export interface Claim {
  readonly token: string;
  readonly attempt: string;
}

export interface PeerStart {
  readonly resume: Resume | null;
  readonly transport: "webrtc";
  readonly session: string;
  readonly iceServers: RTCIceServer[];
}

export interface DailyStart {
  readonly resume: Resume | null;
  readonly transport: "daily";
  /** Null at a service of an earlier version. */
  readonly session: string | null;
  readonly room: string;
  readonly token: string;
}

export type Started = PeerStart | DailyStart;

export type Carrier = Started["transport"];

/**
 * Return how this service transports audio.
 *
 * @throws Trouble: The service does not answer, or refuses.
 */
export async function carrier(): Promise<Carrier> {
  const { transports } = await ask("/status");
  return Array.isArray(transports) && transports[0] === "daily" ? "daily" : "webrtc";
}

/**
 * Start a conversation, or resume the claimed one. From now on the service reserves a place, which costs money.
 *
 * @throws Trouble: The service does not answer, or refuses.
 */
export async function start(
  transport: Carrier,
  textOnly: boolean,
  claim: Claim | null = null,
  more: object = {},
): Promise<Started> {
  const answer = await ask("/start", {
    transport,
    createDailyRoom: transport === "daily",
    locale: formats().tag,
    ...agentField(),
    textOnly,
    resume: claim ?? {},
    ...more,
  });
  const started = transport === "daily" ? dailyStart(answer) : peerStart(answer);
  if (started === null) {
    throw new Trouble(problem("refused"));
  }
  return started;
}

function peerStart(answer: Answer): PeerStart | null {
  const session = answer.sessionId;
  const ice = answer.iceConfig as { iceServers?: RTCIceServer[] } | undefined;
  return typeof session === "string"
    ? { transport: "webrtc", session, iceServers: ice?.iceServers ?? [], resume: resumeIn(answer) }
    : null;
}

function resumeIn(answer: Answer): Resume | null {
  const given = answer.resume as Partial<Resume> | undefined;
  const { token, seconds } = given ?? {};
  return typeof token === "string" && typeof seconds === "number"
    ? { token, seconds, resumed: given?.resumed === true }
    : null;
}

function dailyStart(answer: Answer): DailyStart | null {
  const room = answer.dailyRoom ?? answer.room_url;
  const token = answer.dailyToken ?? answer.token;
  return typeof room === "string" && typeof token === "string"
    ? {
        transport: "daily",
        session: typeof answer.sessionId === "string" ? answer.sessionId : null,
        room,
        token,
        resume: resumeIn(answer),
      }
    : null;
}

type Answer = Readonly<Record<string, unknown>>;

/** Send a request. Not the client's own: it drops Retry-After and misreports a response without JSON. */
async function ask(path: string, body?: object): Promise<Answer> {
  const post = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, {
    ...(body ? post : {}),
    // A load balancer cookie would send every request of a waiting visitor to the same task.
    credentials: body && "createDailyRoom" in body && body.createDailyRoom ? "omit" : "same-origin",
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).catch(() => {
    throw new Trouble(problem("unreachable"));
  });
  const answer = (await response.json().catch(() => ({}))) as Answer;
  if (!response.ok) {
    const said = answer.info ?? answer.detail;
    if (GONE.has(response.status) && (body as { resume?: Partial<Claim> } | undefined)?.resume?.token) {
      throw new Trouble(
        problem("forgotten", response.status === 409 ? { said: t("forgotten_elsewhere") } : {}),
      );
    }
    throw new Trouble(
      refusal(response.status, {
        retryAfter: response.headers.get("Retry-After"),
        said: typeof said === "string" ? said : undefined,
        busy: answer.busy === true,
        closed: answer.closed === true,
        consent: answer.consent === true,
      }),
      answer.queue,
    );
  }
  // With Daily the body has no field for it, because Daily's library rejects unknown names.
  const session = response.headers.get("X-Session-Id");
  return session === null ? answer : { sessionId: session, ...answer };
}
