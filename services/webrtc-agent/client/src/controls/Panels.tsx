import type { Call } from "../call/call";
import { type CallState, isLive } from "../call/state";
import { Hearing } from "../media/Hearing";
import { useChoices } from "./choices";
import { Settings } from "./Settings";
import { Shortcuts } from "./Shortcuts";
import { focusTyping } from "./TypedInput";
import { useShortcuts } from "./useShortcuts";

export type Panel = "settings" | "shortcuts" | null;

interface Props {
  call: Call;
  state: CallState;
  panel: Panel;
  onPanel: (panel: Panel) => void;
}

/** The controls without a place on the page: keyboard shortcuts, dialogs and voice detection. */
export function Panels({ call, state, panel, onPanel }: Props) {
  const { volume, pushToTalk } = useChoices();
  const live = isLive(state.phase);
  const speaks = live && !state.typing;
  useShortcuts({
    mute: speaks ? () => call.mute(!state.muted) : null,
    sound: live ? () => call.silence(!state.silent) : null,
    type: live ? focusTyping : null,
    hold: speaks && pushToTalk ? () => call.hold(true) : null,
    help: () => onPanel("shortcuts"),
    release: () => call.hold(false),
  });
  return (
    <>
      <Hearing call={call} state={state} volume={volume} />
      {panel === "settings" && (
        <Settings
          call={call}
          state={state}
          onShortcuts={() => onPanel("shortcuts")}
          onClose={() => onPanel(null)}
        />
      )}
      {panel === "shortcuts" && <Shortcuts onClose={() => onPanel(null)} />}
    </>
  );
}
