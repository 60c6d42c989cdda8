/** What a call does with the browser's own objects for sound. */

/** Let go of a microphone; its own event about the end does not come then. */
export function stop(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) {
    track.stop();
  }
}

/** Start a context again, also one that calls itself running while its clock stands still. */
export async function revive(context: AudioContext): Promise<void> {
  try {
    if (context.state === "running") {
      await context.suspend();
    }
    await context.resume();
  } catch {
    // The system still has it, or the call is over; the next check tries again.
  }
}

/** Tell which of a kind there are; before the microphone is allowed, browsers name none. */
export async function devicesOf(kind: MediaDeviceKind): Promise<MediaDeviceInfo[]> {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return all.filter((one) => one.kind === kind && one.deviceId !== "");
}

/** Ask for a microphone as a call needs it; an empty id is the browser's default one. */
export const wanted = (id: string): MediaTrackConstraints => ({
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  ...(id === "" ? {} : { deviceId: { exact: id } }),
});
