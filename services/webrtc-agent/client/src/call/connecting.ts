/** Between our words and the client's: parameters, devices, tracks. */

import type { DeviceStatus, Participant, RTVIEventCallbacks } from "@pipecat-ai/client-js";
import { type ProblemKind, problem, Trouble } from "../problems/problems";
import type { Started } from "./start";
import type { CallEvent } from "./state";

/** Give the client's transport what it needs to reach the conversation that was started. */
export function connectionParameters(started: Started): Record<string, unknown> {
  if (started.transport === "daily") {
    return { url: started.room, token: started.token };
  }
  const endpoint = new URL(`/sessions/${encodeURIComponent(started.session)}/api/offer`, location.href).href;
  return { webrtcRequestParams: { endpoint }, iceConfig: { iceServers: started.iceServers } };
}

const BY_REASON: Partial<Record<string, ProblemKind>> = {
  blocked: "denied",
  "not-found": "no-microphone",
  "invalid-constraints": "no-microphone",
  "already-in-use": "microphone-taken",
  "not-supported": "insecure",
};

/** Say why there is no microphone, if there is none. */
export function microphoneTrouble(status: DeviceStatus): Trouble | null {
  return status.state === "error" ? new Trouble(problem(BY_REASON[status.reason] ?? "no-microphone")) : null;
}

/** Pass on which devices there are and which sound may be measured and played. */
export function deviceCallbacks(tell: (event: CallEvent) => void): RTVIEventCallbacks {
  const track = (own: boolean, what: MediaStreamTrack | null): void =>
    tell({ type: "track", whose: own ? "own" : "agent", track: what });
  const isOwn = (whose?: Participant): boolean => whose?.local === true;
  return {
    onAvailableMicsUpdated: (microphones) => tell({ type: "devices", devices: { microphones } }),
    onAvailableSpeakersUpdated: (speakers) => tell({ type: "devices", devices: { speakers } }),
    onMicUpdated: ({ deviceId }) => tell({ type: "devices", devices: { microphone: deviceId ?? "" } }),
    onSpeakerUpdated: ({ deviceId }) => tell({ type: "devices", devices: { speaker: deviceId ?? "" } }),
    onDeviceError: () => tell({ type: "notice", problem: problem("microphone-lost") }),
    onTrackStarted: (what, whose) => {
      if (what.kind === "audio") {
        track(isOwn(whose), what);
      }
    },
    onTrackStopped: (what, whose) => {
      if (what.kind === "audio" && isOwn(whose)) {
        track(true, null);
      }
    },
  };
}
