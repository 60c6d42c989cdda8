/** Whether an audio context really processes sound. No I/O. */

/** A running context moves its clock every few milliseconds. */
const STUCK_MS = 2000;

/** Follows a context's clock: after an interruption Safari may call a context running that is not. */
export class Pulse {
  private time = -1;
  private since = 0;

  /** Tell whether sound passes; `time` is the context's clock in seconds, `now` ours in milliseconds. */
  beats(state: string, time: number, now: number): boolean {
    if (time !== this.time) {
      this.time = time;
      this.since = now;
    }
    return state === "running" && now - this.since < STUCK_MS;
  }
}
