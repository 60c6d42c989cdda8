import { Fragment } from "react";
import { t } from "../texts/texts";
import { type Sentence, shown } from "./items";

/** The agent's sentences: bright up to what has been heard, dim after it. */
export function AgentTurn({ sentences }: { sentences: readonly Sentence[] }) {
  const visible = shown(sentences);
  const current = visible.find((one) => one.heard === "planned" || one.heard === "speaking");
  return (
    <p className="said">
      <span className="out-of-sight">{t("agent")} </span>
      {visible.map((one) => (
        <Fragment key={one.segment}>
          <span className="sentence" data-heard={one === current ? "speaking" : one.heard}>
            <Words sentence={one} />
            {one.heard === "cut" && <span className="cut"> {t("cut")}</span>}
          </span>{" "}
        </Fragment>
      ))}
    </p>
  );
}

/** Some voices report progress by word; the sentence then brightens word by word. */
function Words({ sentence: { text, heard, characters } }: { sentence: Sentence }) {
  if (heard !== "speaking" || characters === 0) {
    return text;
  }
  return (
    <>
      {text.slice(0, characters)}
      <span className="to-come">{text.slice(characters)}</span>
    </>
  );
}
