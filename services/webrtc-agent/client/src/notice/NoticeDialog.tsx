import { useEffect, useRef } from "react";
import { Icon } from "../controls/icons";
import { useNotice } from "./notice";
import { PhoneLink } from "./PhoneLink";
import "./notice.css";

/** Everything about the notice: who, where, how long, and the operator's own pages. */
export function NoticeDialog({ onClose }: { onClose: () => void }) {
  const { notice } = useNotice();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="settings about" aria-labelledby="about" onClose={onClose}>
      <h2 id="about">About this conversation</h2>
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
