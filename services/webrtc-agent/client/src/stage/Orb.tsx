import { useEffect, useRef } from "react";
import { type CallState, isLive, isUnheard } from "../call/state";
import { shownActivity } from "../conversation/activity";
import { watchLevel } from "../media/level";

/** Louder than a quiet room: about -36 dB. The agent reports only at the end of a turn that it heard a voice. */
const VOICE = 0.4;

/** A circle that grows with the current voice: the agent's while it speaks, otherwise the visitor's. */
export function Orb({ state }: { state: CallState }) {
  const ball = useRef<HTMLDivElement>(null);
  const mood = moodOf(state);
  const track = shownActivity(state) === "speaking" ? state.agentTrack : state.ownTrack;
  const heard = isLive(state.phase) ? track : null;
  useEffect(() => {
    const show = (level: number): void => {
      ball.current?.style.setProperty("--level", level.toFixed(3));
      ball.current?.toggleAttribute("data-loud", level > VOICE);
    };
    show(0);
    return heard ? watchLevel(heard, show) : undefined;
  }, [heard]);
  return (
    <div ref={ball} className="orb orb--live" data-mood={mood} aria-hidden="true">
      <span className="orb__ring" />
      <span className="orb__core" />
    </div>
  );
}

function moodOf(state: CallState): string {
  const { phase, muted } = state;
  const activity = shownActivity(state);
  if (phase !== "live") {
    return phase;
  }
  return isUnheard(state) || (activity === "listening" && muted) ? "muted" : activity;
}
