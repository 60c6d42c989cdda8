/** Whether the visitor speaks, by how loud the microphone is. No I/O; levels are dB of full scale. */

/** Loud for so long it is a voice; a key or a click is shorter. */
const BEGIN_MS = 60;
/** Quiet for so long it is over: longer than the pauses between words. */
const END_MS = 700;
/** Above the noise of the room. */
const BEGIN_ABOVE = 10;
const END_ABOVE = 5;
/** Quieter than this nothing counts as a voice, however quiet the room is. */
const QUIETEST = -48;
/** Between these the noise of a room is looked for. */
const FLOOR_LOW = -75;
const FLOOR_HIGH = -30;
/** The noise is what remains between words: it is followed down at once, and up slowly. */
const RISE_PER_SECOND = 6;
/** What the microphone hears of the agent is quieter than what is played, after the browser has cancelled the echo. */
const ECHO_BELOW = 10;
/** A room answers late, and so does a Bluetooth speaker. */
const ECHO_MS = 300;
const SILENCE = -120;
/** Between two looks; a page in the background looks once a second. One look alone is never a voice. */
const LONGEST_LOOK_MS = 1000;

export class VoiceActivity {
  private floor = -60;
  private speaking = false;
  private loudFor = 0;
  private quietFor = 0;
  private agentLevel = SILENCE;
  private agentFor = 0;
  private before: number | null = null;

  /** Take the levels of the microphone and of what the speaker plays at a time in milliseconds; tell if it is a voice. */
  take(microphone: number, agent: number, now: number): boolean {
    const passed = Math.min(Math.max(now - (this.before ?? now), 0), LONGEST_LOOK_MS);
    this.before = now;
    this.follow(agent, passed);
    const echo = this.agentLevel - ECHO_BELOW;
    if (this.speaking) {
      const isQuiet = microphone < Math.max(QUIETEST - 5, this.floor + END_ABOVE, echo - 5);
      this.quietFor = isQuiet ? this.quietFor + passed : 0;
      this.speaking = this.quietFor < END_MS;
      this.loudFor = 0;
    } else {
      const isLoud = microphone > Math.max(QUIETEST, this.floor + BEGIN_ABOVE, echo);
      this.loudFor = isLoud
        ? this.loudFor + Math.min(passed, BEGIN_MS / 2)
        : Math.max(0, this.loudFor - 2 * passed);
      this.speaking = this.loudFor >= BEGIN_MS;
      this.quietFor = 0;
    }
    this.adapt(microphone, passed);
    return this.speaking;
  }

  /** Hold the loudest that the agent was within the time of an echo. */
  private follow(agent: number, passed: number): void {
    this.agentFor += passed;
    if (agent >= this.agentLevel || this.agentFor > ECHO_MS) {
      this.agentLevel = agent;
      this.agentFor = 0;
    }
  }

  private adapt(microphone: number, passed: number): void {
    const next = Math.min(microphone, this.floor + (RISE_PER_SECOND * passed) / 1000);
    this.floor = Math.min(Math.max(next, FLOOR_LOW), FLOOR_HIGH);
  }
}
