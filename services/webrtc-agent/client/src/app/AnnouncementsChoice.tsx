import { t } from "../texts/texts";
import { announce, useAnnouncements } from "./announcements";

/** Turns announcements off and on. The first element for keyboards and screen readers, invisible otherwise. */
export function AnnouncementsButton() {
  const on = useAnnouncements();
  return (
    <button type="button" className="button shows-on-focus" aria-pressed={on} onClick={() => announce(!on)}>
      {t("announcements")}
    </button>
  );
}

/** The same choice in the settings. */
export function AnnouncementsChoice() {
  const on = useAnnouncements();
  return (
    <label className="check">
      <input type="checkbox" checked={on} onChange={(event) => announce(event.target.checked)} />
      {t("announcements")}
    </label>
  );
}
