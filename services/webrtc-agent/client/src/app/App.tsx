import { useEffect, useState, useSyncExternalStore } from "react";
import { agentPage } from "../agent/page";
import type { Call } from "../call/call";
import { isLive } from "../call/state";
import { Dock } from "../controls/Dock";
import { type Panel, Panels } from "../controls/Panels";
import { Transcript } from "../conversation/Transcript";
import { AgentAudio } from "../media/AgentAudio";
import { ProblemNote } from "../problems/ProblemNote";
import { QueueCard } from "../queue/QueueCard";
import { RatingCard } from "../rating/RatingCard";
import { Stage } from "../stage/Stage";
import { t } from "../texts/texts";
import { announced, useAnnouncements } from "./announcements";
import { Examples } from "./Examples";
import { Permission } from "./Permission";
import { isOpening, isShort } from "./short";
import { Top } from "./Top";
import { useQuestion } from "./useQuestion";
import { Welcome } from "./Welcome";

/** The visitor's page. */
export function App({ call }: { call: Call }) {
  const state = useSyncExternalStore(call.subscribe, call.snapshot);
  const [panel, setPanel] = useState<Panel>(null);
  const { phase } = state;
  const talking = phase !== "idle" && phase !== "asking";
  const live = isLive(phase);
  const ask = useQuestion(call, phase);
  const aloud = announced(useAnnouncements(), phase === "live");
  const openSettings = (): void => setPanel("settings");
  useEffect(() => {
    document.title = live ? `● ${agentPage().title}` : agentPage().title;
  }, [live]);
  return (
    <div className="page" data-phase={phase}>
      <Top />
      {phase === "idle" && (
        <Welcome call={call} problem={state.problem} onAsk={ask} onSettings={openSettings} />
      )}
      {phase === "asking" && <Permission call={call} onSettings={openSettings} />}
      {state.waiting && (
        <QueueCard place={state.waiting} typing={state.typing} onLeave={() => void call.hangUp()} />
      )}
      {talking && !state.waiting && (
        <main className="talk" data-short={isShort(state)}>
          <h1 className="out-of-sight">{t("heading")}</h1>
          <Stage state={state} aloud={aloud === "status"} />
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and a keyboard has to reach it for that */}
          <section className="conversation" aria-label={t("conversation")} tabIndex={0}>
            <Transcript state={state} call={call} aloud={aloud === "log"} />
            {isOpening(state) && <Examples onAsk={ask} />}
            {phase === "ended" && state.session && <RatingCard key={state.session} session={state.session} />}
            {state.problem && phase !== "microphone" && (
              <ProblemNote
                problem={state.problem}
                onRetry={phase === "ended" ? () => void call.again() : null}
                onType={phase === "ended" ? () => void call.open({ typing: true }) : null}
                onDismiss={live ? () => call.dismiss() : null}
              />
            )}
          </section>
          <Dock call={call} state={state} onSettings={openSettings} />
        </main>
      )}
      <AgentAudio state={state} />
      <Panels call={call} state={state} panel={panel} onPanel={setPanel} />
    </div>
  );
}
