import { type FormEvent, useEffect, useRef, useState } from "react";
import { agentPage } from "../agent/page";
import { t } from "../texts/texts";
import { Icon } from "./icons";

/** Longest typed message that the service reads. */
const LONGEST = 1000;

interface Props {
  ready: boolean;
  /** Typing is the visitor's main input: focus the field. */
  first: boolean;
  onSend: (words: string) => void;
}

/** Focus the text field of the page. */
export function focusTyping(): void {
  document.querySelector<HTMLInputElement>(".typed input")?.focus();
}

/** The text field for typed messages. */
export function TypedInput({ ready, first, onSend }: Props) {
  const [words, setWords] = useState("");
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (ready && first) {
      field.current?.focus();
    }
  }, [ready, first]);
  const send = (event: FormEvent): void => {
    event.preventDefault();
    if (words.trim() !== "" && ready) {
      onSend(words.trim());
      setWords("");
    }
  };
  return (
    <form className="typed" onSubmit={send}>
      <input
        ref={field}
        aria-label={t("type_to_agent")}
        placeholder={first ? (agentPage().placeholder ?? t("type_question")) : t("or_type")}
        value={words}
        maxLength={LONGEST}
        autoComplete="off"
        enterKeyHint="send"
        onChange={(event) => setWords(event.target.value)}
      />
      <button
        type="submit"
        className="icon-button icon-button--send"
        aria-label={t("send")}
        disabled={!ready || words.trim() === ""}
      >
        <Icon name="send" />
      </button>
    </form>
  );
}
