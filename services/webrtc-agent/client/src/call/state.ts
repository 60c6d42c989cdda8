/** The state of a conversation. No I/O: events in, a new state out. */

import { type Activity, type ActivityEvent, activityAfter } from "../conversation/activity";
import { type Item, pendingUse } from "../conversation/items";
import { asRead } from "../conversation/text-only";
import { follow, type TranscriptEvent } from "../conversation/transcript";
import type { Cause } from "../problems/outage";
import type { Problem } from "../problems/problems";
import type { Place } from "../queue/place";

/**
 * idle → asking (we explain the microphone) → microphone (the browser asks) → connecting → live ⇄ reconnecting → ended.
 * A failure before `live` leads back to `idle`, with a problem.
 */
export type Phase = "idle" | "asking" | "microphone" | "connecting" | "live" | "reconnecting" | "ended";

export interface Devices {
  readonly microphones: readonly MediaDeviceInfo[];
  readonly speakers: readonly MediaDeviceInfo[];
  readonly microphone: string;
  readonly speaker: string;
}

export interface CallState {
  readonly phase: Phase;
  readonly activity: Activity;
  readonly items: readonly Item[];
  readonly problem: Problem | null;
  /** Why the conversation ended, as a sentence. */
  readonly ending: string | null;
  /** The visitor only types: there is no microphone, or they did not want to use it. */
  readonly typing: boolean;
  readonly muted: boolean;
  /** The visitor reads: the page plays no audio, and the service sends none. */
  readonly silent: boolean;
  /** The microphone picks up a voice right now. */
  readonly voice: boolean;
  /** The system delivers the microphone's audio. It stops during a telephone call, for example. */
  readonly heard: boolean;
  readonly devices: Devices;
  readonly ownTrack: MediaStreamTrack | null;
  readonly agentTrack: MediaStreamTrack | null;
  /** The visitor's place in the queue, while all places are taken. */
  readonly waiting: Place | null;
  /** The agent was interrupted: audio that is still buffered must not be played. */
  readonly cut: boolean;
  /** The session that a rating names, once it was connected. */
  readonly session: string | null;
  /** Why the connection was lost, while `reconnecting`. */
  readonly cause: Cause;
}

export type CallEvent =
  | { readonly type: "asking" }
  | {
      readonly type: "opening";
      readonly phase: "microphone" | "connecting";
      readonly typing: boolean;
      readonly silent?: boolean;
    }
  | { readonly type: "waiting"; readonly place: Place | null }
  | {
      readonly type: "restored";
      readonly items: readonly Item[];
      readonly typing: boolean;
      readonly silent: boolean;
    }
  | { readonly type: "session"; readonly session: string | null }
  | { readonly type: "ready" }
  | { readonly type: "line"; readonly steady: boolean; readonly cause?: Cause }
  | { readonly type: "stopped"; readonly ending: string | null; readonly problem: Problem | null }
  | { readonly type: "notice"; readonly problem: Problem | null }
  | { readonly type: "muted"; readonly muted: boolean }
  | { readonly type: "silent"; readonly silent: boolean }
  | { readonly type: "voice"; readonly voice: boolean }
  | { readonly type: "heard"; readonly heard: boolean }
  | { readonly type: "devices"; readonly devices: Partial<Devices> }
  | { readonly type: "track"; readonly whose: "own" | "agent"; readonly track: MediaStreamTrack | null }
  | { readonly type: "activity"; readonly event: ActivityEvent }
  | { readonly type: "transcript"; readonly event: TranscriptEvent; readonly at?: number }
  | { readonly type: "items"; readonly items: readonly Item[] };

export const BEFORE: CallState = {
  phase: "idle",
  activity: "listening",
  items: [],
  problem: null,
  ending: null,
  typing: false,
  muted: false,
  silent: false,
  voice: false,
  heard: true,
  devices: { microphones: [], speakers: [], microphone: "", speaker: "" },
  ownTrack: null,
  agentTrack: null,
  waiting: null,
  cut: false,
  session: null,
  cause: "unknown",
};

export const isLive = (phase: Phase): boolean => phase === "live" || phase === "reconnecting";

/** Return whether the agent appears to listen while the system delivers no microphone audio. */
export const isUnheard = ({ heard, muted, typing, activity }: CallState): boolean =>
  !(heard || muted || typing) && (activity === "listening" || activity === "hearing");

/** Return the state after an event. */
export function next(state: CallState, event: CallEvent): CallState {
  switch (event.type) {
    case "asking":
      return { ...state, phase: "asking", problem: null };
    case "opening":
      return state.phase === "microphone"
        ? { ...state, phase: event.phase }
        : {
            ...BEFORE,
            phase: event.phase,
            typing: event.typing,
            silent: event.silent ?? false,
            devices: state.devices,
            items: itemsAfter(state, { type: "opened" }),
          };
    case "waiting":
      return { ...state, waiting: event.place };
    case "restored":
      return {
        ...BEFORE,
        phase: "reconnecting",
        cause: "reload",
        items: event.items,
        typing: event.typing,
        silent: event.silent,
        devices: state.devices,
      };
    case "session":
      return { ...state, session: event.session };
    case "ready":
      return { ...state, phase: "live", activity: "listening" };
    case "line":
      return isLive(state.phase) ? lined(state, event.steady, event.cause) : state;
    case "stopped":
      return stopped(state, event.ending, event.problem);
    case "notice":
      return { ...state, problem: event.problem };
    case "muted":
      return { ...state, muted: event.muted };
    case "silent":
      return silenced(state, event.silent);
    case "voice":
      return { ...state, voice: event.voice };
    case "heard":
      return { ...state, heard: event.heard };
    case "devices":
      return { ...state, devices: { ...state.devices, ...event.devices } };
    case "track":
      return event.whose === "own" ? withOwn(state, event.track) : { ...state, agentTrack: event.track };
    case "activity":
      return {
        ...state,
        activity: activityAfter(state.activity, event.event, pendingUse(state.items) !== undefined),
        cut: state.cut && event.event !== "agent-started",
      };
    case "transcript":
      return {
        ...state,
        items: itemsAfter(state, state.silent ? asRead(event.event) : event.event, event.at),
        cut: state.cut || event.event.type === "agent-cut",
      };
    case "items":
      return { ...state, items: event.items };
  }
}

/** Return the state after a connection change. After a recovery the agent's earlier activity is unknown. */
function lined(state: CallState, steady: boolean, cause: Cause = state.cause): CallState {
  if (!steady || state.phase === "live") {
    return { ...state, phase: steady ? "live" : "reconnecting", cause };
  }
  return { ...state, phase: "live", activity: "listening", items: itemsAfter(state, { type: "agent-cut" }) };
}

/** Return the transcript after an event; the agent is audible while it is speaking. */
function itemsAfter(state: CallState, event: TranscriptEvent, at = Date.now()): readonly Item[] {
  return follow(state.items, event, { at, sounding: state.activity === "speaking" && !state.cut });
}

/** Return the state with audio on or off. Without audio the current sentence is complete at once. */
function silenced(state: CallState, silent: boolean): CallState {
  return { ...state, silent, items: silent ? itemsAfter(state, { type: "agent-finished" }) : state.items };
}

/** Return the state with the visitor's track. A microphone turns a typed conversation into a spoken one. */
function withOwn(state: CallState, ownTrack: MediaStreamTrack | null): CallState {
  const speaks = state.typing && ownTrack !== null;
  return { ...state, ownTrack, ...(speaks ? { typing: false, muted: false } : {}) };
}

function stopped(state: CallState, ending: string | null, problem: Problem | null): CallState {
  if (state.phase === "ended" || state.phase === "idle") {
    return state; // the first reason is the correct one
  }
  const items = itemsAfter(state, { type: "closed" });
  // Keep an earlier transcript on the page, also when a new conversation could not start.
  const phase = isLive(state.phase) || items.length > 0 ? "ended" : "idle";
  return {
    ...state,
    phase,
    items,
    ending,
    problem,
    voice: false,
    waiting: null,
    ownTrack: null,
    agentTrack: null,
  };
}
