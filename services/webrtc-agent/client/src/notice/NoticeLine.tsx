import { useEffect, useRef, useState } from "react";
import { NoticeDialog } from "./NoticeDialog";
import { agree, useNotice } from "./notice";
import "./notice.css";

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
  const by = notice?.operator ? ` run by ${notice.operator}` : "";
  return (
    <aside className="notice" aria-label="About this conversation">
      <p>
        You are talking with an AI{by}. {notice?.summary}{" "}
        {notice?.mode === "notice" && "By talking you agree."}{" "}
        {notice && (
          <button type="button" className="notice__more" onClick={() => setOpen(true)}>
            Details
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
          I agree
          {missing && !agreed && (
            <span id="notice-missing" role="alert">
              – please tick this first
            </span>
          )}
        </label>
      )}
      {open && <NoticeDialog onClose={() => setOpen(false)} />}
    </aside>
  );
}
