import { expect, test } from "vitest";
import { BEFORE, type CallEvent, type CallState, next } from "../src/call/state";
import { problem } from "../src/problems/problems";

const after = (...events: CallEvent[]): CallState => events.reduce(next, BEFORE);
const MICROPHONE: CallEvent = { type: "opening", phase: "microphone", typing: false };
const CONNECTING: CallEvent = { type: "opening", phase: "connecting", typing: false };
const READY: CallEvent = { type: "ready" };
const HELLO: CallEvent = {
  type: "transcript",
  event: { type: "agent-sentence", segment: 1, text: "Hello.", heard: "planned", characters: 0 },
};
const SAID: CallEvent = { type: "transcript", event: { type: "visitor-said", text: "hello", final: true } };
const track = {} as MediaStreamTrack;

test("a call goes from asking to live", () => {
  const phases = [{ type: "asking" } as const, MICROPHONE, CONNECTING, READY].map(
    (_event, at, all) => after(...all.slice(0, at + 1)).phase,
  );
  expect(phases).toEqual(["asking", "microphone", "connecting", "live"]);
});

test("the microphone that was opened is kept while connecting", () => {
  expect(after(MICROPHONE, { type: "track", whose: "own", track }, CONNECTING).ownTrack).toBe(track);
});

test("what fails before the first word leads back to the start, with the reason", () => {
  const state = after(MICROPHONE, { type: "stopped", ending: null, problem: problem("denied") });
  expect(state).toMatchObject({ phase: "idle", problem: { kind: "denied" } });
});

test("an end keeps what was said, and of two reasons the first", () => {
  const state = after(
    CONNECTING,
    READY,
    { type: "activity", event: "agent-started" },
    HELLO,
    { type: "stopped", ending: "Goodbye.", problem: null },
    { type: "stopped", ending: null, problem: problem("lost") },
  );
  expect(state).toMatchObject({ phase: "ended", ending: "Goodbye.", problem: null });
  expect(state.items).toMatchObject([{ sentences: [{ heard: "cut" }] }]);
});

test("a new conversation starts below the old one, with the same devices", () => {
  const microphones = [{ deviceId: "one" } as MediaDeviceInfo];
  const state = after(
    CONNECTING,
    READY,
    SAID,
    { type: "devices", devices: { microphones } },
    { type: "muted", muted: true },
    { type: "stopped", ending: "Goodbye.", problem: null },
    MICROPHONE,
  );
  expect(state).toMatchObject({ ending: null, muted: false, devices: { microphones } });
  expect(state.items.map((item) => item.kind)).toEqual(["visitor", "opening"]);
});

test("what was said stays in view when the next conversation cannot begin", () => {
  const lost: CallEvent = { type: "stopped", ending: null, problem: problem("lost") };
  const state = after(CONNECTING, READY, SAID, lost, CONNECTING, lost);
  expect(state).toMatchObject({ phase: "ended", problem: { kind: "lost" } });
  expect(state.items).toMatchObject([{ text: "hello" }]);
});

test("until a tool has returned the agent uses it, also after a word in between", () => {
  const asked: CallEvent = {
    type: "transcript",
    event: { type: "tool-called", call: "a", tool: "book", given: {} },
  };
  const doing = (event: "tool-called" | "agent-started" | "agent-stopped"): CallEvent => ({
    type: "activity",
    event,
  });
  const state = after(READY, asked, doing("tool-called"), doing("agent-started"), doing("agent-stopped"));
  expect(state.activity).toBe("using-tool");
});

test("a wavering line is shown only during a conversation", () => {
  const broken: CallEvent = { type: "line", steady: false };
  expect(after(CONNECTING, broken).phase).toBe("connecting");
  expect(after(CONNECTING, READY, broken).phase).toBe("reconnecting");
  expect(after(CONNECTING, READY, broken, { type: "line", steady: true }).phase).toBe("live");
});

test("an interrupted agent is not heard again until it speaks again", () => {
  const cut = after(READY, HELLO, { type: "transcript", event: { type: "agent-cut" } });
  expect(cut.cut).toBe(true);
  expect(next(cut, { type: "activity", event: "agent-stopped" }).cut).toBe(true);
  expect(next(cut, { type: "activity", event: "agent-started" }).cut).toBe(false);
});

test("what the system does to the microphone is kept, and forgotten with the next call", () => {
  const taken: CallEvent = { type: "heard", heard: false };
  expect(after(CONNECTING, READY, taken).heard).toBe(false);
  expect(after(CONNECTING, READY, taken, { type: "heard", heard: true }).heard).toBe(true);
  expect(
    after(CONNECTING, READY, taken, { type: "stopped", ending: "Goodbye.", problem: null }, MICROPHONE).heard,
  ).toBe(true);
});
