import { useEffect, useRef } from "react";
import type { CallState } from "../call/state";
import { ContactCard } from "../people/ContactCard";
import { WeatherCard } from "../weather/WeatherCard";
import { AgentTurn } from "./AgentTurn";
import type { Item } from "./transcript";

/** Who has scrolled further up than a card is high is reading there, and stays there. */
const NEAR = 480;

/** Both sides, in order, with a card wherever the agent looked something up or named a person. */
export function Transcript({ state, aloud }: { state: CallState; aloud: boolean }) {
  const { items, typing } = state;
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = end.current?.closest(".conversation");
    if (items.length > 0 && box && box.scrollHeight - box.scrollTop - box.clientHeight < NEAR) {
      box.scrollTop = box.scrollHeight;
    }
  }, [items]);
  return (
    <div className="transcript">
      <div role="log" aria-label="What was said" aria-live={aloud ? "polite" : "off"}>
        <h2 className="out-of-sight">What was said</h2>
        <ol>
          {items.map((item) => (
            <li key={item.id} className={`turn turn--${item.kind}`} {...(isHeard(item, typing) && SILENT)}>
              <Turn item={item} />
            </li>
          ))}
        </ol>
      </div>
      <div ref={end} />
    </div>
  );
}

const SILENT = { "aria-live": "off" } as const;

/** Who talks hears these words; a screen reader that repeated them would talk over the agent, and into the microphone. */
function isHeard(item: Item, typing: boolean): boolean {
  return !typing && (item.kind === "visitor" || item.kind === "agent");
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
    case "contact":
      return <ContactCard contact={item.contact} />;
  }
}
