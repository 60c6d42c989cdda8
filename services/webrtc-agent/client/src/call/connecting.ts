/** Between our words and the client's: parameters, devices, tracks. */

import type {
  DeviceErrorType,
  DeviceStatus,
  Participant,
  PipecatClient,
  RTVIEventCallbacks,
} from "@pipecat-ai/client-js";
import { choices } from "../controls/choices";
import { howToAllow } from "../media/blocked";
import { type Problem, type ProblemKind, problem, Trouble } from "../problems/problems";
import type { Carrier, Started } from "./start";
import type { CallEvent, Devices } from "./state";

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
  return status.state === "error"
    ? new Trouble(microphoneNotice(BY_REASON[status.reason] ?? "no-microphone"))
    : null;
}

/** Describe what is wrong with a microphone; for one that is blocked, with the steps of this browser. */
function microphoneNotice(kind: ProblemKind): Problem {
  return problem(kind, kind === "denied" ? { said: howToAllow(navigator) } : {});
}

/** Say why a microphone cannot be had in the middle of a conversation; who only typed has lost none. */
function deviceNotice(type: DeviceErrorType, typing: boolean): Problem {
  if (type === "permissions") {
    return microphoneNotice("denied");
  }
  return problem(typing ? (type === "in-use" ? "microphone-taken" : "no-microphone") : "microphone-lost");
}

/** Pass on which devices there are and which sound may be measured and played. */
export function deviceCallbacks(
  tell: (event: CallEvent) => void,
  isTyping: () => boolean,
): RTVIEventCallbacks {
  const track = (own: boolean, what: MediaStreamTrack | null): void =>
    tell({ type: "track", whose: own ? "own" : "agent", track: what });
  const isOwn = (whose?: Participant): boolean => whose?.local === true;
  return {
    onAvailableMicsUpdated: (microphones) => tell({ type: "devices", devices: { microphones } }),
    onAvailableSpeakersUpdated: (speakers) => tell({ type: "devices", devices: { speakers } }),
    onMicUpdated: ({ deviceId }) => tell({ type: "devices", devices: { microphone: deviceId ?? "" } }),
    onSpeakerUpdated: ({ deviceId }) => tell({ type: "devices", devices: { speaker: deviceId ?? "" } }),
    onDeviceError: ({ type }) => tell({ type: "notice", problem: deviceNotice(type, isTyping()) }),
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

/** Have Daily's own media use the devices that were chosen before; ours does so by itself. */
export function restoreDevices(client: PipecatClient, devices: Devices, by: Carrier): void {
  const { microphone, speaker } = choices();
  const has = (all: readonly MediaDeviceInfo[], id: string): boolean =>
    all.some((one) => one.deviceId === id);
  if (by === "daily" && microphone !== devices.microphone && has(devices.microphones, microphone)) {
    client.updateMic(microphone);
  }
  if (by === "daily" && speaker !== devices.speaker && has(devices.speakers, speaker)) {
    client.updateSpeaker(speaker);
  }
}
