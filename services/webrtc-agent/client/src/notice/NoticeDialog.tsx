import { useNotice } from "./notice";
import { PhoneLink } from "./PhoneLink";
import "./notice.css";
import { Dialog } from "../controls/Dialog";
import { t } from "../texts/texts";

/** The full notice: who runs the agent, where data is processed and for how long, and the operator's pages. */
export function NoticeDialog({ onClose }: { onClose: () => void }) {
  const { notice } = useNotice();
  return (
    <Dialog id="about" title={t("notice")} className="about" onClose={onClose}>
      <dl>
        {notice?.details.map(({ title, text }) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <PhoneLink />
      {notice && notice.links.length > 0 && (
        <ul className="about__links">
          {notice.links.map(({ title, url }) => (
            <li key={title}>
              <a href={url} target="_blank" rel="noopener noreferrer">
                {title}
              </a>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
