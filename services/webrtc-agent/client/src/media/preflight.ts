/** What this browser, at this address, can give before anything is asked of the visitor. */

import { type Problem, problem } from "../problems/problems";

/** Say what stands in the way of talking here, if anything does. */
export function obstacle(): Problem | null {
  if (typeof RTCPeerConnection === "undefined" || typeof AudioContext === "undefined") {
    return problem("unsupported");
  }
  const hasDevices = typeof navigator.mediaDevices?.getUserMedia === "function";
  return window.isSecureContext && hasDevices ? null : problem("insecure");
}

/** Tell whether the microphone was already allowed or refused; "prompt" where the browser keeps that to itself. */
export async function microphonePermission(): Promise<PermissionState> {
  try {
    return (await navigator.permissions.query({ name: "microphone" as PermissionName })).state;
  } catch {
    return "prompt";
  }
}
