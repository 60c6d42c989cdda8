/** Helpers for the browser's audio objects. */

/** Release a microphone; its `ended` event is not fired then. */
export function stop(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) {
    track.stop();
  }
}

/** Restart a context, also one that reports `running` while its clock stands still. */
export async function revive(context: AudioContext): Promise<void> {
  try {
    if (context.state === "running") {
      await context.suspend();
    }
    await context.resume();
  } catch {
    // The system still blocks it, or the call has ended; the next check tries again.
  }
}

/** Return the devices of a kind; browsers list none before they allow the microphone. */
export async function devicesOf(kind: MediaDeviceKind): Promise<MediaDeviceInfo[]> {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return all.filter((one) => one.kind === kind && one.deviceId !== "");
}

/** Return the constraints for a call's microphone; an empty id is the browser's default. */
export const wanted = (id: string): MediaTrackConstraints => ({
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  ...(id === "" ? {} : { deviceId: { exact: id } }),
});
