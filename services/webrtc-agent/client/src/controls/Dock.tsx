import { useEffect, useRef } from "react";
import type { Call } from "../call/call";
import { type CallState, isLive } from "../call/state";
import { CallMe } from "../people/CallMe";
import { t } from "../texts/texts";
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
          name={t("sound_off")}
          tip={t(state.silent ? "sound_on_tip" : "sound_off_tip", { key: "S" })}
          label={t(state.silent ? "sound_off" : "sound")}
          icon={state.silent ? "silent" : "sound"}
          shortcut="S"
          pressed={state.silent}
          tone="off"
          disabled={!isLive(state.phase)}
          onPress={() => call.silence(!state.silent)}
        />
        <Control name={t("devices_title")} label={t("devices")} icon="settings" onPress={onSettings} />
        <Control
          name={t("end_name")}
          label={t("end")}
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
        name={t("microphone_off_name")}
        tip={t("use_microphone")}
        label={t("microphone_off")}
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
      name={t(state.muted ? "muted_name" : "mute_name")}
      tip={t(state.muted ? "unmute_tip" : "mute_tip", { key: "M" })}
      label={t(state.muted ? "mute_on" : "mute")}
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
      aria-label={named(t(talking ? "talking_name" : "hold_name"), t(talking ? "talking" : "hold"))}
      aria-pressed={talking}
      aria-keyshortcuts="Space"
      data-tip={t("hold_tip", { key: t("space") })}
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
      <span className="control__label">{t(talking ? "talking" : "hold")}</span>
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
        <Icon name={typing ? "keyboard" : "microphone"} /> {t(typing ? "type_again" : "talk_again")}
      </button>
      <button
        type="button"
        className="button"
        onClick={() => void (typing ? call.talk() : call.open({ typing: true }))}
      >
        {t(typing ? "talk" : "type")}
      </button>
      <CallMe />
    </div>
  );
}
