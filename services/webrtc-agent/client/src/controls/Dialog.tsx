import { type ReactNode, useEffect, useRef } from "react";
import { Icon } from "./icons";

interface Props {
  /** Names the heading for screen readers; one dialog is open at a time. */
  id: string;
  title: string;
  className?: string;
  onClose: () => void;
  children: ReactNode;
}

/** A dialog over the page, open from the start, with a button that closes it. */
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
        aria-label="Close"
        onClick={() => dialog.current?.close()}
      >
        <Icon name="close" />
      </button>
    </dialog>
  );
}
