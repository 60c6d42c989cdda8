import { useEffect, useRef } from "react";
import { cardOf, useOwnCards } from "../agent/cards";
import { agentPage } from "../agent/page";
import { type CallState, isLive, isUnheard } from "../call/state";
import { useChoices } from "../controls/choices";
import { ACTIVITY_WORDS, shownActivity } from "../conversation/activity";
import { pendingUse } from "../conversation/items";
import { outageHint } from "../problems/outage";
import { Orb } from "./Orb";

/** The current activity, as an animation and in words. */
export function Stage({ state, aloud }: { state: CallState; aloud: boolean }) {
  const words = useRef<HTMLParagraphElement>(null);
  const { phase } = state;
  const { pushToTalk } = useChoices();
  useOwnCards();
  // The pressed button no longer exists; the status gets the focus, so that keyboard users do not start at the top.
  useEffect(() => {
    if (phase === "connecting" || phase === "microphone") {
      words.current?.focus();
    }
  }, [phase]);
  return (
    <section className="stage" aria-label="The agent">
      <Orb state={state} />
      <div>
        <p
          ref={words}
          className="stage__words"
          role="status"
          aria-live={aloud ? "polite" : "off"}
          tabIndex={-1}
        >
          {wordsFor(state)}
        </p>
        <p className="stage__hint">{hintFor(state, pushToTalk)}</p>
      </div>
    </section>
  );
}

function wordsFor(state: CallState): string {
  const { phase, muted, typing, silent } = state;
  const activity = shownActivity(state);
  switch (phase) {
    case "microphone":
      return "Waiting for the microphone";
    case "connecting":
      return "Connecting";
    case "reconnecting":
      return "Reconnecting";
    case "ended":
      return "Ended";
    default:
      break;
  }
  if (isUnheard(state)) {
    return "Cannot hear you";
  }
  if (activity === "listening" && (typing || (silent && muted))) {
    return "Ready";
  }
  if (activity === "using-tool") {
    return cardOf(pendingUse(state.items) ?? { tool: "" }).busy;
  }
  return activity === "listening" && muted ? "Muted" : ACTIVITY_WORDS[activity];
}

function hintFor(state: CallState, pushToTalk: boolean): string {
  const { phase, ending, typing, muted, silent } = state;
  const activity = shownActivity(state);
  if (phase === "microphone") {
    return "Choose “Allow” when the browser asks.";
  }
  if (phase === "reconnecting") {
    return outageHint(state.cause);
  }
  if (phase === "ended") {
    return ending ?? "";
  }
  if (isUnheard(state)) {
    return "Your device has stopped the microphone. Tap the page to restart it, or type.";
  }
  if (!isLive(phase) || activity !== "listening") {
    return "";
  }
  if (typing) {
    return silent ? "Type your question and read the answer." : "Type your question and hear the answer.";
  }
  if (muted && pushToTalk) {
    return "Hold the space bar or the button to talk.";
  }
  return muted ? "The agent cannot hear you." : agentPage().welcome;
}
