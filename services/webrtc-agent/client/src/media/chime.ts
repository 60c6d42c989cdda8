/** A short test sound for a speaker. */

const NOTES = [523.25, 659.25, 783.99] as const; // C, E, G
const NOTE_SECONDS = 0.22;
const LOUDEST = 0.25;

type Output = HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> };

/**
 * Play three notes.
 *
 * @param speaker Device id; empty for the system's default.
 * @returns Whether the browser played them.
 */
export async function playChime(speaker: string, volume: number): Promise<boolean> {
  const context = new AudioContext();
  try {
    const outlet = context.createMediaStreamDestination();
    const end = sound(context, outlet);
    const output: Output = new Audio();
    output.srcObject = outlet.stream;
    output.volume = volume;
    await output.setSinkId?.(speaker).catch(() => undefined); // disconnected: the default device plays it
    await Promise.all([context.resume(), output.play()]);
    await new Promise((resolve) => setTimeout(resolve, 1000 * (end - context.currentTime) + 200));
    output.srcObject = null;
    return true;
  } catch {
    return false;
  } finally {
    await context.close();
  }
}

function sound(context: AudioContext, outlet: AudioNode): number {
  const begin = context.currentTime + 0.15;
  for (const [at, pitch] of NOTES.entries()) {
    const start = begin + at * NOTE_SECONDS;
    const note = new OscillatorNode(context, { frequency: pitch, type: "triangle" });
    const envelope = new GainNode(context, { gain: 0 });
    envelope.gain.setValueAtTime(0, start);
    envelope.gain.linearRampToValueAtTime(LOUDEST, start + 0.02);
    envelope.gain.exponentialRampToValueAtTime(0.001, start + 2 * NOTE_SECONDS);
    note.connect(envelope).connect(outlet);
    note.start(start);
    note.stop(start + 2 * NOTE_SECONDS);
  }
  return begin + (NOTES.length + 1) * NOTE_SECONDS;
}

/** Return whether a page can set the volume; on iOS only the device's buttons can. */
export function canSetVolume(): boolean {
  const probe = document.createElement("audio");
  probe.volume = 0.5;
  return probe.volume === 0.5;
}
