import { useEffect, useRef } from "react";
import { PhoneLink } from "../notice/PhoneLink";
import { CallMe } from "../people/CallMe";
import { about, type Place, whereIs } from "./place";
import "./queue.css";
import { t } from "../texts/texts";

const MOST_DOTS = 8;

interface Props {
  place: Place;
  typing: boolean;
  onLeave: () => void;
}

/** Shows the visitor's place in the queue and the estimated wait, while all places are taken. */
export function QueueCard({ place, typing, onLeave }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  const { position, seconds } = place;
  const where = whereIs(position);
  // The pressed button no longer exists.
  useEffect(() => heading.current?.focus(), []);
  useEffect(() => {
    const before = document.title;
    document.title = where;
    return () => {
      document.title = before;
    };
  }, [where]);
  return (
    <main className="welcome">
      <section className="note queue" aria-labelledby="queue">
        <Dots position={position} />
        <div role="status">
          <h1 id="queue" ref={heading} tabIndex={-1}>
            {where}
          </h1>
          <p className="queue__wait">{about(seconds)}</p>
        </div>
        <p>{t(typing ? "queue_text_typing" : "queue_text")}</p>
        <PhoneLink />
        <CallMe />
        <div className="note__actions">
          <button type="button" className="button" onClick={onLeave}>
            {t("queue_leave")}
          </button>
        </div>
      </section>
    </main>
  );
}

/** One dot for each visitor ahead, and one for this visitor. */
function Dots({ position }: { position: number }) {
  const ahead = Math.min(position - 1, MOST_DOTS - 1);
  return (
    <div className="queue__dots" aria-hidden="true">
      <span className="queue__dot queue__dot--own" />
      {Array.from({ length: ahead }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: dots are alike
        <span key={at} className="queue__dot" />
      ))}
    </div>
  );
}
