import { useEffect, useRef, useState } from "react";
import { NoticeDialog } from "./NoticeDialog";
import { agree, useNotice } from "./notice";
import "./notice.css";
import { t } from "../texts/texts";

/** The notice before a conversation: that this is an AI, who runs it and what happens to the words; a checkbox if consent is required. */
export function NoticeLine({ missing, onAgree }: { missing: boolean; onAgree: () => void }) {
  const { notice, agreed } = useNotice();
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (missing) {
      box.current?.focus();
    }
  }, [missing]);
  const operator = notice?.operator;
  return (
    <aside className="notice" aria-label={t("notice")}>
      <p>
        {operator ? t("ai_operator", { operator }) : t("ai")} {notice?.summary}{" "}
        {notice?.mode === "notice" && t("talking_agrees")}{" "}
        {notice && (
          <button type="button" className="notice__more" onClick={() => setOpen(true)}>
            {t("details")}
          </button>
        )}
      </p>
      {notice?.mode === "consent" && (
        <label className="notice__agree" data-missing={missing && !agreed}>
          <input
            ref={box}
            type="checkbox"
            checked={agreed}
            aria-describedby={missing && !agreed ? "notice-missing" : undefined}
            onChange={(event) => {
              agree(event.target.checked);
              onAgree();
            }}
          />
          {t("agree")}
          {missing && !agreed && (
            <span id="notice-missing" role="alert">
              {t("agree_missing")}
            </span>
          )}
        </label>
      )}
      {open && <NoticeDialog onClose={() => setOpen(false)} />}
    </aside>
  );
}
