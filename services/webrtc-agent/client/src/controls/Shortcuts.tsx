import { useEffect, useRef } from "react";
import { choose, useChoices } from "./choices";
import { Icon } from "./icons";
import { SHORTCUTS } from "./shortcuts";

/** Which keys do what, and the switch that turns them off. */
export function Shortcuts({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const { shortcuts } = useChoices();
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="settings" aria-labelledby="shortcuts" onClose={onClose}>
      <h2 id="shortcuts">Keyboard shortcuts</h2>
      <dl className="keys">
        {SHORTCUTS.map(({ label, words }) => (
          <div key={label}>
            <dt>
              <kbd>{label}</kbd>
            </dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
      <label className="switch">
        <input
          type="checkbox"
          checked={shortcuts}
          onChange={(event) => choose({ shortcuts: event.target.checked })}
        />
        Use these keys
      </label>
      <button
        type="button"
        className="icon-button settings__close"
        aria-label="Close"
        onClick={() => dialog.current?.close()}
      >
        <Icon name="close" />
      </button>
    </dialog>
  );
}
