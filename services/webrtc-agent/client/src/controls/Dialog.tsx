import { type ReactNode, useEffect, useRef } from "react";
import { t } from "../texts/texts";
import { Icon } from "./icons";

interface Props {
  /** Id of the heading, for screen readers; only one dialog is open at a time. */
  id: string;
  title: string;
  className?: string;
  onClose: () => void;
  children: ReactNode;
}

/** A modal dialog, open when it is mounted, with a close button. */
export function Dialog({ id, title, className = "", onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className={`settings ${className}`} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
      <button
        type="button"
        className="icon-button settings__close"
        aria-label={t("close")}
        onClick={() => dialog.current?.close()}
      >
        <Icon name="close" />
      </button>
    </dialog>
  );
}
