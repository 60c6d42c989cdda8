import { useState } from "react";
import { NoticeDialog } from "./NoticeDialog";
import { useNotice } from "./notice";
import "./notice.css";

/** Opens the notice at any time, also during a conversation. */
export function NoticeButton() {
  const { notice } = useNotice();
  const [open, setOpen] = useState(false);
  return (
    <>
      {notice && (
        <button type="button" className="notice__more notice__more--top" onClick={() => setOpen(true)}>
          AI &amp; privacy
        </button>
      )}
      {open && <NoticeDialog onClose={() => setOpen(false)} />}
    </>
  );
}
