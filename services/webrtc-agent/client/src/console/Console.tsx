import { useState, useSyncExternalStore } from "react";
import type { Call } from "../call/call";
import { Dock } from "../controls/Dock";
import { type Panel, Panels } from "../controls/Panels";
import { ThemeToggle } from "../controls/ThemeToggle";
import { Transcript } from "../conversation/Transcript";
import { AgentAudio } from "../media/AgentAudio";
import { ProblemNote } from "../problems/ProblemNote";
import { Stage } from "../stage/Stage";
import { Events } from "./Events";
import { Figures } from "./Figures";
import type { Watch } from "./watch";

/** The developers' console: one conversation with all its events, latencies, tokens and tool calls. */
export function Console({ call, watch }: { call: Call; watch: Watch }) {
  const state = useSyncExternalStore(call.subscribe, call.snapshot);
  const { events, measured } = useSyncExternalStore(watch.subscribe, watch.snapshot);
  const [panel, setPanel] = useState<Panel>(null);
  const { phase } = state;
  const begun = phase !== "idle" && phase !== "asking";
  return (
    <div className="console">
      <header className="top">
        <h1 className="brand">Console</h1>
        <ThemeToggle />
      </header>
      <main className="console__panels">
        <section className="panel panel--talk" aria-label="Conversation">
          {begun && <Stage state={state} aloud={false} />}
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and a keyboard has to reach it for that */}
          <section className="conversation" aria-label="What was said" tabIndex={0}>
            <Transcript state={state} call={call} aloud={false} />
            {state.problem && (
              <ProblemNote problem={state.problem} onRetry={null} onType={null} onDismiss={null} />
            )}
          </section>
          {begun && phase !== "ended" ? (
            <Dock call={call} state={state} onSettings={() => setPanel("settings")} />
          ) : (
            <div className="dock">
              <button
                type="button"
                className="button button--main"
                onClick={() => void call.open({ typing: false })}
              >
                Connect
              </button>
              <button type="button" className="button" onClick={() => void call.open({ typing: true })}>
                Connect without a microphone
              </button>
            </div>
          )}
        </section>
        <Figures measured={measured} />
        <Events events={events} />
      </main>
      <AgentAudio state={state} />
      <Panels call={call} state={state} panel={panel} onPanel={setPanel} />
    </div>
  );
}
