import { useEffect, useRef, useState } from "react";
import type { Reported } from "./watch";

/** All events, the newest last; a filter searches their names and texts. */
export function Events({ events }: { events: readonly Reported[] }) {
  const [filter, setFilter] = useState("");
  const box = useRef<HTMLOListElement>(null);
  const wanted = filter.trim().toLowerCase();
  const shown = events.filter(({ name, text }) => `${name} ${text}`.toLowerCase().includes(wanted));
  const newest = shown.at(-1)?.id;
  useEffect(() => {
    if (newest !== undefined && box.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [newest]);
  const copy = (): void => void navigator.clipboard?.writeText(JSON.stringify(shown, null, 1));
  return (
    <section className="panel panel--events" aria-labelledby="events">
      <header>
        <h2 id="events">
          Events <span className="panel__note">{shown.length}</span>
        </h2>
        <input
          type="search"
          aria-label="Filter the events"
          placeholder="Filter"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
        <button type="button" className="button" onClick={copy}>
          Copy as JSON
        </button>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and a keyboard has to reach it for that */}
      <ol ref={box} className="events" tabIndex={0} aria-labelledby="events">
        {shown.map(({ id, at, name, text }) => (
          <li key={id}>
            <time>{(at / 1000).toFixed(2)}</time>
            <b>{name}</b>
            <code>{text}</code>
          </li>
        ))}
      </ol>
    </section>
  );
}
