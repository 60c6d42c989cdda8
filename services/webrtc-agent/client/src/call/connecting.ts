/** Translate between the page and Pipecat's client: parameters, devices, tracks. */

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

/** Return the parameters with which the client's transport connects to a started conversation. */
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

/** Return why there is no microphone; null if there is one. */
export function microphoneTrouble(status: DeviceStatus): Trouble | null {
  return status.state === "error"
    ? new Trouble(microphoneNotice(BY_REASON[status.reason] ?? "no-microphone"))
    : null;
}

/** Describe what is wrong with a microphone; if it is blocked, with the steps for this browser. */
function microphoneNotice(kind: ProblemKind): Problem {
  return problem(kind, kind === "denied" ? { said: howToAllow(navigator) } : {});
}

/** Describe why the microphone is unavailable during a conversation. A typed conversation had none to lose. */
function deviceNotice(type: DeviceErrorType, typing: boolean): Problem {
  if (type === "permissions") {
    return microphoneNotice("denied");
  }
  return problem(typing ? (type === "in-use" ? "microphone-taken" : "no-microphone") : "microphone-lost");
}

/** Forward the device lists and the audio tracks to measure and play. */
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

/** Make Daily's media use the devices that were chosen before; our own media manager already does. */
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
