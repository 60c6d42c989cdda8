import { useEffect, useRef } from "react";
import type { Call } from "../call/call";
import { Icon } from "../controls/icons";

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
        <h1 id="permission">Allow microphone access</h1>
        <p>
          Your browser will now ask for access to the microphone. The agent uses it only during the
          conversation, to hear your questions. You can mute yourself at any time.
        </p>
        <div className="note__actions">
          <button
            ref={button}
            type="button"
            className="button button--main"
            onClick={() => void call.open({ typing: false })}
          >
            Continue
          </button>
          <button type="button" className="button" onClick={() => void call.open({ typing: true })}>
            Type instead
          </button>
        </div>
        <button type="button" className="link" onClick={onSettings}>
          Check microphone and speaker
        </button>
      </section>
    </main>
  );
}
