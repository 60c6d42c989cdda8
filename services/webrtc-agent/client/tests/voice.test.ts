import { expect, test } from "vitest";
import { VoiceActivity } from "../src/media/voice";

const QUIET_ROOM = -65;
const SPEECH = -25;
const LOOK_MS = 20;

/** Run a detector over segments of [milliseconds, microphone, agent]; return each change with its time. */
function changes(...stretches: readonly (readonly [number, number, number?])[]): [number, boolean][] {
  const detector = new VoiceActivity();
  const found: [number, boolean][] = [];
  let now = 0;
  let before = false;
  for (const [length, microphone, agent = -120] of stretches) {
    for (const end = now + length; now < end; now += LOOK_MS) {
      const voice = detector.take(microphone, agent, now);
      if (voice !== before) {
        before = voice;
        found.push([now, voice]);
      }
    }
  }
  return found;
}

test("a voice shows within 150 ms, and its end after a pause", () => {
  const [begun, ended] = changes([1000, QUIET_ROOM], [2000, SPEECH], [2000, QUIET_ROOM]);
  expect(begun?.[1]).toBe(true);
  expect((begun?.[0] ?? 0) - 1000).toBeLessThan(100); // the analyser's window and a frame add to this
  expect(ended?.[1]).toBe(false);
  expect((ended?.[0] ?? 0) - 3000).toBeGreaterThanOrEqual(600);
});

test("pauses between words do not end it", () => {
  const words: [number, number][] = [
    [300, SPEECH],
    [400, QUIET_ROOM],
    [300, SPEECH],
    [500, QUIET_ROOM],
    [300, SPEECH],
  ];
  expect(changes([1000, QUIET_ROOM], ...words)).toHaveLength(1);
});

test("a click is no voice", () => {
  expect(changes([1000, QUIET_ROOM], [40, SPEECH], [500, QUIET_ROOM], [40, SPEECH], [1000, -120])).toEqual(
    [],
  );
});

test("the noise of a loud room is no voice, but one that speaks over it is", () => {
  const settled = changes([20_000, -42], [1000, -20]);
  expect(settled.filter(([at]) => at > 6000)).toMatchObject([[expect.any(Number), true]]);
  expect(settled.at(-1)?.[0]).toBeGreaterThanOrEqual(20_000);
});

test("a fan that starts is taken for a voice for a few seconds at most", () => {
  const [begun, ended] = changes([3000, QUIET_ROOM], [12_000, -45]);
  expect(begun?.[1]).toBe(true);
  expect((ended?.[0] ?? Infinity) - (begun?.[0] ?? 0)).toBeLessThan(6000);
});

test("the agent's echo is no voice, also after the agent has stopped", () => {
  expect(changes([1000, QUIET_ROOM], [3000, -32, -18], [200, -34, -120], [1000, QUIET_ROOM])).toEqual([]);
});

test("who speaks over the agent is heard", () => {
  expect(changes([1000, QUIET_ROOM], [1000, -40, -18], [1000, -20, -18])).toMatchObject([
    [expect.any(Number), true],
  ]);
});

test("the silence of a muted line is nothing", () => {
  expect(changes([5000, -120])).toEqual([]);
});

test("a page that slept for a minute does not take one look for a voice", () => {
  const detector = new VoiceActivity();
  detector.take(QUIET_ROOM, -120, 0);
  expect(detector.take(SPEECH, -120, 60_000)).toBe(false);
});
