import { choose, useChoices } from "./choices";
import { Dialog } from "./Dialog";
import { SHORTCUTS } from "./shortcuts";

/** The list of keyboard shortcuts, and the switch that turns them off. */
export function Shortcuts({ onClose }: { onClose: () => void }) {
  const { shortcuts } = useChoices();
  return (
    <Dialog id="shortcuts" title="Keyboard shortcuts" onClose={onClose}>
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
        Use keyboard shortcuts
      </label>
    </Dialog>
  );
}
