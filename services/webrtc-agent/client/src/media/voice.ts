/** Energy-based voice activity detection. No I/O; levels are in dB of full scale. */

/** Loud for this long is a voice; a key or a click is shorter. */
const BEGIN_MS = 60;
/** Quiet for this long is the end: longer than the pauses between words. */
const END_MS = 700;
/** Above the noise floor of the room. */
const BEGIN_ABOVE = 10;
const END_ABOVE = 5;
/** A quieter level never counts as a voice, however quiet the room is. */
const QUIETEST = -48;
/** Range of the noise floor. */
const FLOOR_LOW = -75;
const FLOOR_HIGH = -30;
/** The noise floor follows the level between words: down at once, up slowly. */
const RISE_PER_SECOND = 6;
/** After echo cancellation, the microphone picks up the agent more quietly than it is played. */
const ECHO_BELOW = 10;
/** Rooms and Bluetooth speakers delay the echo. */
const ECHO_MS = 300;
const SILENCE = -120;
/** Longest time between two samples that counts; a background page samples once a second. One sample is never a voice. */
const LONGEST_LOOK_MS = 1000;

export class VoiceActivity {
  private floor = -60;
  private speaking = false;
  private loudFor = 0;
  private quietFor = 0;
  private agentLevel = SILENCE;
  private agentFor = 0;
  private before: number | null = null;

  /** Process the levels of microphone and speaker at a time in milliseconds; return whether a voice is active. */
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

  /** Track the agent's peak level within the echo delay. */
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
