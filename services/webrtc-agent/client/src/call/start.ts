/** Ask the service for a conversation. */

import { formats } from "../locale/locale";
import { problem, refusal, Trouble } from "../problems/problems";

const PATIENCE_MS = 12_000;

export interface PeerStart {
  readonly transport: "webrtc";
  readonly session: string;
  readonly iceServers: RTCIceServer[];
}

export interface DailyStart {
  readonly transport: "daily";
  readonly room: string;
  readonly token: string;
}

export type Started = PeerStart | DailyStart;

export type Carrier = Started["transport"];

/**
 * Learn how this service carries sound.
 *
 * @throws Trouble: nobody answers, or the answer is no.
 */
export async function carrier(): Promise<Carrier> {
  const { transports } = await ask("/status");
  return Array.isArray(transports) && transports[0] === "daily" ? "daily" : "webrtc";
}

/**
 * Start a conversation; from here on the service holds a place, and it costs.
 *
 * @throws Trouble: nobody answers, or the answer is no.
 */
export async function start(transport: Carrier, textOnly: boolean, more: object = {}): Promise<Started> {
  const answer = await ask("/start", {
    transport,
    createDailyRoom: transport === "daily",
    locale: formats().tag,
    textOnly,
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
    ? { transport: "webrtc", session, iceServers: ice?.iceServers ?? [] }
    : null;
}

function dailyStart(answer: Answer): DailyStart | null {
  const room = answer.dailyRoom ?? answer.room_url;
  const token = answer.dailyToken ?? answer.token;
  return typeof room === "string" && typeof token === "string" ? { transport: "daily", room, token } : null;
}

type Answer = Readonly<Record<string, unknown>>;

/** Our own request instead of the client's: that one drops Retry-After, and fails oddly on an answer without JSON. */
async function ask(path: string, body?: object): Promise<Answer> {
  const post = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, {
    ...(body ? post : {}),
    // A cookie of the load balancer would lead each request of a visitor who waits to the same task.
    credentials: body && "createDailyRoom" in body && body.createDailyRoom ? "omit" : "same-origin",
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).catch(() => {
    throw new Trouble(problem("unreachable"));
  });
  const answer = (await response.json().catch(() => ({}))) as Answer;
  if (!response.ok) {
    const said = answer.info ?? answer.detail;
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
  return answer;
}
