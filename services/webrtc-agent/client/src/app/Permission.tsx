import { useEffect, useRef } from "react";
import type { Call } from "../call/call";
import { Icon } from "../controls/icons";
import { t } from "../texts/texts";

/** Explains why the browser is about to ask for the microphone, before it asks. */
export function Permission({ call, onSettings }: { call: Call; onSettings: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), []);
  return (
    <main className="welcome">
      <section className="note" aria-labelledby="permission">
        <span className="note__icon">
          <Icon name="microphone" />
        </span>
        <h1 id="permission">{t("allow_title")}</h1>
        <p>{t("allow_text")}</p>
        <div className="note__actions">
          <button
            ref={button}
            type="button"
            className="button button--main"
            onClick={() => void call.open({ typing: false })}
          >
            {t("continue")}
          </button>
          <button type="button" className="button" onClick={() => void call.open({ typing: true })}>
            {t("type_instead")}
          </button>
        </div>
        <button type="button" className="link" onClick={onSettings}>
          {t("check_devices")}
        </button>
      </section>
    </main>
  );
}
