import { useEffect, useRef } from "react";
import type { Call } from "../call/call";
import { type CallState, isLive } from "../call/state";
import { CallMe } from "../people/CallMe";
import { useChoices } from "./choices";
import { Icon, type IconName } from "./icons";
import { TypedInput } from "./TypedInput";

interface Props {
  call: Call;
  state: CallState;
  onSettings: () => void;
}

/** The controls of a conversation, and the buttons that start another one after it. */
export function Dock({ call, state, onSettings }: Props) {
  if (state.phase === "ended") {
    return state.problem ? null : <Again call={call} typing={state.typing} />;
  }
  return (
    <div className="dock">
      <TypedInput ready={state.phase === "live"} first={state.typing} onSend={(words) => call.type(words)} />
      <div className="controls">
        <Microphone call={call} state={state} />
        <Control
          name="Sound off"
          tip={state.silent ? "Turn the sound on (S)" : "Turn the sound off (S)"}
          label={state.silent ? "Sound off" : "Sound"}
          icon={state.silent ? "silent" : "sound"}
          shortcut="S"
          pressed={state.silent}
          tone="off"
          disabled={!isLive(state.phase)}
          onPress={() => call.silence(!state.silent)}
        />
        <Control name="Devices and volume" label="Devices" icon="settings" onPress={onSettings} />
        <Control
          name="End the conversation"
          label="End"
          icon="end"
          tone="end"
          onPress={() => void call.hangUp()}
        />
      </div>
    </div>
  );
}

/** The microphone button: off in a typed conversation, hold to talk with push to talk, otherwise mute. */
function Microphone({ call, state }: { call: Call; state: CallState }) {
  const { pushToTalk } = useChoices();
  const disabled = !isLive(state.phase);
  if (state.typing) {
    return (
      <Control
        name="Mic off: use the microphone"
        tip="Use the microphone"
        label="Mic off"
        icon="muted"
        disabled={disabled}
        onPress={() => call.addMicrophone()}
      />
    );
  }
  if (pushToTalk) {
    return <Hold call={call} talking={!state.muted} disabled={disabled} />;
  }
  return (
    <Control
      name={state.muted ? "Mute the microphone: muted" : "Mute the microphone"}
      tip={state.muted ? "Unmute the microphone (M)" : "Mute the microphone (M)"}
      label={state.muted ? "Muted" : "Mute"}
      icon={state.muted ? "muted" : "microphone"}
      shortcut="M"
      pressed={state.muted}
      tone="muted"
      disabled={disabled}
      onPress={() => call.mute(!state.muted)}
    />
  );
}

interface ControlProps {
  /** The accessible name. It contains the label, for voice control (WCAG 2.5.3). */
  name: string;
  label: string;
  /** The tooltip: what pressing does now. The name by default. */
  tip?: string;
  icon: IconName;
  shortcut?: string;
  pressed?: boolean;
  tone?: "muted" | "off" | "end";
  disabled?: boolean;
  onPress: () => void;
}

function Control({
  name,
  label,
  tip = name,
  icon,
  shortcut,
  pressed,
  tone,
  disabled,
  onPress,
}: ControlProps) {
  return (
    <button
      type="button"
      className="control"
      aria-label={named(name, label)}
      aria-pressed={pressed}
      aria-keyshortcuts={shortcut}
      data-tip={tip}
      data-tone={tone}
      disabled={disabled}
      onClick={onPress}
    >
      <Icon name={icon} />
      <span className="control__label">{label}</span>
    </button>
  );
}

/** Return a name that contains the visible label: voice control users say the label (WCAG 2.5.3). */
function named(name: string, label: string): string {
  return name.toLowerCase().includes(label.toLowerCase()) ? name : `${label}: ${name}`;
}

/** A button that unmutes the microphone while it is held, by pointer or by key. */
function Hold({ call, talking, disabled }: { call: Call; talking: boolean; disabled: boolean }) {
  const release = (): void => call.hold(false);
  return (
    <button
      type="button"
      className="control"
      aria-label={talking ? "Hold to talk: talking" : "Hold to talk"}
      aria-pressed={talking}
      aria-keyshortcuts="Space"
      data-tip="Hold to talk (Space)"
      data-tone={talking ? "talking" : "muted"}
      disabled={disabled}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        call.hold(true);
      }}
      onPointerUp={release}
      onPointerCancel={release}
      onContextMenu={(event) => event.preventDefault()} // a long touch would open the context menu
      onKeyDown={(event) => {
        if (event.key === " " || event.key === "Enter") {
          event.preventDefault();
          call.hold(true);
        }
      }}
      onKeyUp={release}
      onBlur={release}
    >
      <Icon name={talking ? "microphone" : "muted"} />
      <span className="control__label">{talking ? "Talking" : "Hold"}</span>
    </button>
  );
}

/** Buttons that start again in the same mode: after a typed conversation no microphone is requested. */
function Again({ call, typing }: { call: Call; typing: boolean }) {
  const button = useRef<HTMLButtonElement>(null);
  // The control that had the focus no longer exists.
  useEffect(() => button.current?.focus(), []);
  return (
    <div className="dock dock--ended">
      <button ref={button} type="button" className="button button--main" onClick={() => void call.again()}>
        <Icon name={typing ? "keyboard" : "microphone"} /> {typing ? "Type again" : "Talk again"}
      </button>
      <button
        type="button"
        className="button"
        onClick={() => void (typing ? call.talk() : call.open({ typing: true }))}
      >
        {typing ? "Talk" : "Type"}
      </button>
      <CallMe />
    </div>
  );
}
