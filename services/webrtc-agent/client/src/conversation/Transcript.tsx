import { useEffect, useRef } from "react";
import { cardOf, useOwnCards } from "../agent/cards";
import type { Call } from "../call/call";
import type { CallState } from "../call/state";
import { formats } from "../locale/locale";
import { ContactCard } from "../people/ContactCard";
import { t } from "../texts/texts";
import { AgentTurn } from "./AgentTurn";
import { asksWhich, type Item, isShown } from "./items";
import { Keeping } from "./Keeping";

/** A visitor who has scrolled up by more than the height of a card is reading; do not scroll them down. */
const NEAR = 480;

/** Both sides in order, with a card wherever a tool of the agent has something to show, or it offered a person. */
export function Transcript({ state, call, aloud }: { state: CallState; call: Call; aloud: boolean }) {
  const { items, silent, phase } = state;
  useOwnCards();
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = end.current?.closest(".conversation");
    if (items.length > 0 && box && box.scrollHeight - box.scrollTop - box.clientHeight < NEAR) {
      box.scrollTop = box.scrollHeight;
    }
  }, [items]);
  return (
    <div className="transcript">
      <div role="log" aria-label={t("conversation")} aria-live={aloud ? "polite" : "off"}>
        <h2 className="out-of-sight">{t("what_was_said")}</h2>
        <ol>
          {items.filter(isShown).map((item) => (
            <li key={item.id} className={`turn turn--${item.kind}`} {...(isHeard(item, silent) && SILENT)}>
              <Turn
                item={item}
                onChoose={phase === "live" && asksWhich(items, item) ? (words) => call.type(words) : null}
              />
            </li>
          ))}
        </ol>
      </div>
      <Keeping call={call} items={items} />
      <div ref={end} />
    </div>
  );
}

const SILENT = { "aria-live": "off" } as const;

/** Return whether the visitor hears this item. A screen reader that repeated it would talk over the agent and into the microphone. */
function isHeard(item: Item, silent: boolean): boolean {
  return !silent && (item.kind === "visitor" || item.kind === "agent");
}

/** One item; `onChoose` answers the question that it asks, as if the visitor had typed it. */
function Turn({ item, onChoose }: { item: Item; onChoose: ((words: string) => void) | null }) {
  switch (item.kind) {
    case "visitor":
      return (
        <p className="bubble">
          <span className="out-of-sight">{t(item.typed ? "you_typed" : "you")} </span>
          {item.text}
        </p>
      );
    case "agent":
      return <AgentTurn sentences={item.sentences} />;
    case "card": {
      const { Card } = cardOf(item);
      return <Card use={item} onChoose={onChoose} />;
    }
    case "opening":
      return (
        <p className="opening">
          <time dateTime={new Date(item.at).toISOString()}>
            {t("new_conversation", { time: formats().time(item.at) })}
          </time>
        </p>
      );
    case "contact":
      return <ContactCard contact={item.contact} />;
  }
}
