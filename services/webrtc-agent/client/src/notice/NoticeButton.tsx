import { useState } from "react";
import { NoticeDialog } from "./NoticeDialog";
import { useNotice } from "./notice";
import "./notice.css";
import { t } from "../texts/texts";

/** Opens the notice at any time, also during a conversation. */
export function NoticeButton() {
  const { notice } = useNotice();
  const [open, setOpen] = useState(false);
  return (
    <>
      {notice && (
        <button type="button" className="notice__more notice__more--top" onClick={() => setOpen(true)}>
          {t("notice_button")}
        </button>
      )}
      {open && <NoticeDialog onClose={() => setOpen(false)} />}
    </>
  );
}
