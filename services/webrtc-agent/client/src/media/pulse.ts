/** Detects whether an audio context really processes audio. No I/O. */

/** A running context advances its clock every few milliseconds. */
const STUCK_MS = 2000;

/** Follows a context's clock: after an interruption Safari may report a stopped context as running. */
export class Pulse {
  private time = -1;
  private since = 0;

  /** Return whether audio is processed; `time` is the context's clock in seconds, `now` ours in milliseconds. */
  beats(state: string, time: number, now: number): boolean {
    if (time !== this.time) {
      this.time = time;
      this.since = now;
    }
    return state === "running" && now - this.since < STUCK_MS;
  }
}
