/** Check what this browser supports at this address, before asking the visitor for anything. */

import { type Problem, problem } from "../problems/problems";

/** Return the problem that prevents talking; null if there is none. */
export function obstacle(): Problem | null {
  if (typeof RTCPeerConnection === "undefined" || typeof AudioContext === "undefined") {
    return problem("unsupported");
  }
  const hasDevices = typeof navigator.mediaDevices?.getUserMedia === "function";
  return window.isSecureContext && hasDevices ? null : problem("insecure");
}

/** Return the microphone permission; "prompt" if the browser does not report it. */
export async function microphonePermission(): Promise<PermissionState> {
  try {
    return (await navigator.permissions.query({ name: "microphone" as PermissionName })).state;
  } catch {
    return "prompt";
  }
}
