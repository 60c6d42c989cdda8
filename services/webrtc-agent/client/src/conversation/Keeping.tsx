import { useEffect, useState } from "react";
import type { Call } from "../call/call";
import { formats } from "../locale/locale";
import { t } from "../texts/texts";
import { type Item, isShown, nextId } from "./items";
import { asText } from "./wording";

/** How long the confirmation of an action is shown, in milliseconds. */
const DONE_MS = 4000;

/** Buttons that copy, download and discard the transcript, and undo the discard. */
export function Keeping({ call, items }: { call: Call; items: readonly Item[] }) {
  const [discarded, setDiscarded] = useState<readonly Item[] | null>(null);
  const [done, setDone] = useState("");
  useEffect(() => {
    const timer = done === "" ? undefined : setTimeout(() => setDone(""), DONE_MS);
    return () => clearTimeout(timer);
  }, [done]);
  const isEmpty = !items.some(isShown);
  if (isEmpty && discarded === null) {
    return null;
  }
  const text = (): string => asText(items, formats());
  const copy = async (): Promise<void> => {
    const copied = await navigator.clipboard.writeText(text()).then(
      () => true,
      () => false,
    );
    setDone(t(copied ? "copied" : "copy_refused"));
  };
  const discard = (): void => {
    setDiscarded(items);
    call.showItems([]);
  };
  const restore = (before: readonly Item[]): void => {
    const first = nextId(before);
    call.showItems([...before, ...items.map((item) => ({ ...item, id: item.id + first }))]);
    setDiscarded(null);
  };
  return (
    <fieldset className="keeping" aria-label={t("transcript")}>
      {!isEmpty && (
        <>
          <button type="button" onClick={() => void copy()}>
            {t("copy")}
          </button>
          <button type="button" onClick={() => download(text())}>
            {t("download")}
          </button>
          <button type="button" onClick={discard}>
            {t("discard")}
          </button>
        </>
      )}
      {discarded && (
        <button type="button" onClick={() => restore(discarded)}>
          {t("undo_discard")}
        </button>
      )}
      <span aria-live="polite">{done || (isEmpty ? t("discarded") : "")}</span>
    </fieldset>
  );
}

function download(text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${t("file_name")}-${new Date().toISOString().slice(0, 16).replace(/\D/g, "")}.txt`;
  link.click();
  // The browser has read the text by the next task.
  setTimeout(() => URL.revokeObjectURL(url));
}
