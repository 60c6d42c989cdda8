import { useEffect, useRef } from "react";
import type { Call } from "../call/call";
import { type CallState, isLive } from "../call/state";
import { Icon } from "./icons";
import { TypedInput } from "./TypedInput";

interface Props {
  call: Call;
  state: CallState;
  onSettings: () => void;
}

/** Everything a visitor can do during a conversation, and the way back into one after it. */
export function Dock({ call, state, onSettings }: Props) {
  if (state.phase === "ended") {
    return state.problem ? null : <Again onAgain={() => void call.talk()} />;
  }
  const ready = isLive(state.phase);
  return (
    <div className="dock">
      {!state.typing && (
        <button
          type="button"
          className="icon-button"
          aria-pressed={state.muted}
          aria-label="Mute the microphone"
          disabled={!ready}
          onClick={() => call.mute(!state.muted)}
        >
          <Icon name={state.muted ? "muted" : "microphone"} />
        </button>
      )}
      <TypedInput ready={state.phase === "live"} first={state.typing} onSend={(words) => call.type(words)} />
      <button type="button" className="icon-button" aria-label="Devices and volume" onClick={onSettings}>
        <Icon name="settings" />
      </button>
      <button
        type="button"
        className="icon-button icon-button--end"
        aria-label="End the conversation"
        onClick={() => void call.hangUp()}
      >
        <Icon name="end" />
      </button>
    </div>
  );
}

function Again({ onAgain }: { onAgain: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  // The controls that had the focus are gone.
  useEffect(() => button.current?.focus(), []);
  return (
    <div className="dock dock--ended">
      <button ref={button} type="button" className="button button--main" onClick={onAgain}>
        <Icon name="microphone" /> Talk again
      </button>
    </div>
  );
}
