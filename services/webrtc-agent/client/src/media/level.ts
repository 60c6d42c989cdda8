/** The level of a track, many times a second. */

import { onWake } from "./wake";

const FLOOR_DB = -60;

/** Return the RMS level on a scale that looks even: 0 is -60 dB and below, 1 is full scale. */
export function loudness(samples: Float32Array): number {
  return Math.min(Math.max(1 - decibels(samples) / FLOOR_DB, 0), 1);
}

/** Return the RMS level in dB of full scale; silence is -120. */
export function decibels(samples: Float32Array): number {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(samples.length, 1);
  return 10 * Math.log10(power + 1e-12);
}

/**
 * Report a track's level with every frame that the browser draws.
 *
 * @returns A function that stops it.
 */
export function watchLevel(track: MediaStreamTrack, tell: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let smooth = 0;
  let frame = 0;
  const measure = (): void => {
    analyser.getFloatTimeDomainData(samples);
    smooth = Math.max(loudness(samples), smooth * 0.86); // up at once, down gently
    tell(smooth);
    frame = requestAnimationFrame(measure);
  };
  measure();
  const unwatch = onWake(() => void context.resume().catch(() => undefined));
  return () => {
    unwatch();
    cancelAnimationFrame(frame);
    void context.close();
  };
}
