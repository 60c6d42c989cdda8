import { type FormEvent, useEffect, useId, useRef, useState } from "react";
import { useNotice } from "../notice/notice";
import { alternatives, t } from "../texts/texts";
import { callMe } from "./call-me";

/** A form for visitors who would rather be called; nothing if the operator does not offer it. */
export function CallMe() {
  const { notice } = useNotice();
  const [called, setCalled] = useState(false);
  if (!notice?.callMe) {
    return null;
  }
  const { prefixes, from } = notice.callMe;
  return (
    <details className="call-me">
      <summary>{t("call_me_title")}</summary>
      {called ? <Placed from={from} /> : <Form prefixes={prefixes} onCalled={() => setCalled(true)} />}
    </details>
  );
}

interface Props {
  prefixes: readonly string[];
  onCalled: () => void;
}

function Form({ prefixes, onCalled }: Props) {
  const [number, setNumber] = useState(prefixes.length === 1 ? (prefixes[0] ?? "") : "");
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const ask = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (asking) {
      return; // the button is not disabled: it would lose the focus
    }
    setAsking(true);
    setProblem(null);
    const refusal = await callMe(number);
    setAsking(false);
    if (refusal === null) {
      onCalled();
      return;
    }
    setProblem(refusal);
    field.current?.focus();
  };
  return (
    <form onSubmit={(event) => void ask(event)}>
      <label htmlFor={id}>{t("call_me_number")}</label>
      <input
        ref={field}
        id={id}
        type="tel"
        autoComplete="tel"
        required
        maxLength={40}
        value={number}
        aria-describedby={`${id}-hint ${id}-problem`}
        aria-invalid={problem !== null}
        onChange={(event) => setNumber(event.target.value)}
      />
      <p id={`${id}-hint`}>{t("call_me_hint", { prefixes: alternatives(prefixes) })}</p>
      <p id={`${id}-problem`} className="call-me__problem" role="alert">
        {problem}
      </p>
      <button type="submit" className="button" aria-disabled={asking}>
        {t(asking ? "calling" : "call_me")}
      </button>
    </form>
  );
}

/** What happens next. The pressed button no longer exists, so this gets the focus. */
function Placed({ from }: { from: string }) {
  const words = useRef<HTMLParagraphElement>(null);
  useEffect(() => words.current?.focus(), []);
  return (
    <p ref={words} tabIndex={-1}>
      {t("call_placed", { number: from })}
    </p>
  );
}
