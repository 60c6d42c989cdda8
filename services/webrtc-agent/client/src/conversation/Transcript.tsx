import { useEffect, useRef } from "react";
import type { Call } from "../call/call";
import type { CallState } from "../call/state";
import { formats } from "../locale/locale";
import { ContactCard } from "../people/ContactCard";
import { WeatherCard } from "../weather/WeatherCard";
import { AgentTurn } from "./AgentTurn";
import { type Item, isShown } from "./items";
import { Keeping } from "./Keeping";

/** Who has scrolled further up than a card is high is reading there, and stays there. */
const NEAR = 480;

/** Both sides, in order, with a card wherever the agent looked something up or named a person. */
export function Transcript({ state, call }: { state: CallState; call: Call }) {
  const { items } = state;
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = end.current?.closest(".conversation");
    if (items.length > 0 && box && box.scrollHeight - box.scrollTop - box.clientHeight < NEAR) {
      box.scrollTop = box.scrollHeight;
    }
  }, [items]);
  return (
    <div className="transcript">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard */}
      <div role="log" aria-label="Conversation" aria-live="polite" tabIndex={0}>
        <ol>
          {items.filter(isShown).map((item) => (
            <li key={item.id} className={`turn turn--${item.kind}`}>
              <Turn item={item} />
            </li>
          ))}
        </ol>
      </div>
      <Keeping call={call} items={items} />
      <div ref={end} />
    </div>
  );
}

function Turn({ item }: { item: Item }) {
  switch (item.kind) {
    case "visitor":
      return (
        <p className="bubble">
          <span className="out-of-sight">{item.typed ? "You typed: " : "You: "}</span>
          {item.text}
        </p>
      );
    case "agent":
      return <AgentTurn sentences={item.sentences} />;
    case "weather":
      return <WeatherCard place={item.place} reading={item.reading} />;
    case "opening":
      return (
        <p className="opening">
          New conversation, <time dateTime={new Date(item.at).toISOString()}>{formats().time(item.at)}</time>
        </p>
      );
    case "contact":
      return <ContactCard contact={item.contact} />;
  }
}
