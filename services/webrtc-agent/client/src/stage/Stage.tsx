import { useEffect, useRef } from "react";
import { cardOf, useOwnCards } from "../agent/cards";
import { agentPage } from "../agent/page";
import { type CallState, isLive, isUnheard } from "../call/state";
import { useChoices } from "../controls/choices";
import { shownActivity } from "../conversation/activity";
import { pendingUse } from "../conversation/items";
import { outageHint } from "../problems/outage";
import { t } from "../texts/texts";
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
    <section className="stage" aria-label={t("stage")}>
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
      return t("waiting_microphone");
    case "connecting":
      return t("connecting");
    case "reconnecting":
      return t("reconnecting");
    case "ended":
      return t("ended");
    default:
      break;
  }
  if (isUnheard(state)) {
    return t("unheard");
  }
  if (activity === "listening" && (typing || (silent && muted))) {
    return t("ready");
  }
  if (activity === "using-tool") {
    return cardOf(pendingUse(state.items) ?? { tool: "" }).busy;
  }
  return t(activity === "listening" && muted ? "muted" : activity);
}

function hintFor(state: CallState, pushToTalk: boolean): string {
  const { phase, ending, typing, muted, silent } = state;
  const activity = shownActivity(state);
  if (phase === "microphone") {
    return t("hint_allow");
  }
  if (phase === "reconnecting") {
    return outageHint(state.cause);
  }
  if (phase === "ended") {
    return ending ?? "";
  }
  if (isUnheard(state)) {
    return t("hint_unheard");
  }
  if (!isLive(phase) || activity !== "listening") {
    return "";
  }
  if (typing) {
    return t(silent ? "hint_type_read" : "hint_type_hear");
  }
  if (muted && pushToTalk) {
    return t("hint_hold");
  }
  return muted ? t("hint_muted") : (agentPage().welcome ?? t("welcome"));
}
