import { useEffect, useState, useSyncExternalStore } from "react";
import type { Call } from "../call/call";
import { isLive } from "../call/state";
import { useChoices } from "../controls/choices";
import { Dock } from "../controls/Dock";
import { type Panel, Panels } from "../controls/Panels";
import { Transcript } from "../conversation/Transcript";
import { AgentAudio } from "../media/AgentAudio";
import { ProblemNote } from "../problems/ProblemNote";
import { Stage } from "../stage/Stage";
import { Permission } from "./Permission";
import { Top } from "./Top";
import { Welcome } from "./Welcome";

/** The visitor's page. */
export function App({ call }: { call: Call }) {
  const state = useSyncExternalStore(call.subscribe, call.snapshot);
  const { volume } = useChoices();
  const [panel, setPanel] = useState<Panel>(null);
  const { phase } = state;
  const talking = phase !== "idle" && phase !== "asking";
  const live = isLive(phase);
  const openSettings = (): void => setPanel("settings");
  useEffect(() => {
    document.title = live ? "● Weather by voice" : "Weather by voice";
  }, [live]);
  return (
    <div className="page" data-phase={phase}>
      <Top />
      {phase === "idle" && <Welcome call={call} problem={state.problem} onSettings={openSettings} />}
      {phase === "asking" && <Permission call={call} onSettings={openSettings} />}
      {talking && (
        <main className="talk">
          <Stage state={state} />
          <div className="conversation">
            <Transcript state={state} call={call} />
            {state.problem && phase !== "microphone" && (
              <ProblemNote
                problem={state.problem}
                onRetry={phase === "ended" ? () => void call.again() : null}
                onType={phase === "ended" ? () => void call.open({ typing: true }) : null}
                onDismiss={live ? () => call.dismiss() : null}
              />
            )}
          </div>
          <Dock call={call} state={state} onSettings={openSettings} />
        </main>
      )}
      <AgentAudio
        track={state.agentTrack}
        muted={state.cut || state.silent}
        volume={volume}
        speaker={state.devices.speaker}
      />
      <Panels call={call} state={state} panel={panel} onPanel={setPanel} />
    </div>
  );
}
