import { t } from "../texts/texts";
import { choose, useChoices } from "./choices";
import { Dialog } from "./Dialog";
import { SHORTCUTS } from "./shortcuts";

/** The list of keyboard shortcuts, and the switch that turns them off. */
export function Shortcuts({ onClose }: { onClose: () => void }) {
  const { shortcuts } = useChoices();
  return (
    <Dialog id="shortcuts" title={t("shortcuts")} onClose={onClose}>
      <dl className="keys">
        {SHORTCUTS.map(({ shortcut, label }) => (
          <div key={shortcut}>
            <dt>
              <kbd>{label ?? t("space")}</kbd>
            </dt>
            <dd>{t(`shortcut_${shortcut}`)}</dd>
          </div>
        ))}
      </dl>
      <label className="switch">
        <input
          type="checkbox"
          checked={shortcuts}
          onChange={(event) => choose({ shortcuts: event.target.checked })}
        />
        {t("use_shortcuts")}
      </label>
    </Dialog>
  );
}
