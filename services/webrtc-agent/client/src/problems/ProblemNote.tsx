import { useEffect, useRef, useState } from "react";
import { Icon } from "../controls/icons";
import { NoticeLine } from "../notice/NoticeLine";
import { PhoneLink } from "../notice/PhoneLink";
import { CallMe } from "../people/CallMe";
import { t } from "../texts/texts";
import type { Problem } from "./problems";

interface Props {
  problem: Problem;
  onRetry: (() => void) | null;
  onType: (() => void) | null;
  onDismiss: (() => void) | null;
}

/** Problems for which a retry does not help. */
const FINAL: ReadonlySet<Problem["kind"]> = new Set(["unsupported", "insecure", "closed"]);

/** Problems that a telephone call does not avoid, or that the visitor solves on the page. */
const NOT_BY_CALL: ReadonlySet<Problem["kind"]> = new Set([
  "closed",
  "consent",
  "limited",
  "outdated",
  "microphone-changed",
  "speaker-changed",
  "not-taken",
]);

/** Shows a problem and how to fix it. */
export function ProblemNote({ problem, onRetry, onType, onDismiss }: Props) {
  const note = useRef<HTMLElement>(null);
  useEffect(() => {
    if (problem) {
      note.current?.focus();
    }
  }, [problem]);
  const canRetry = onRetry && !FINAL.has(problem.kind);
  return (
    <section ref={note} className="problem" role="alert" tabIndex={-1} data-kind={problem.kind}>
      <h2>{problem.title}</h2>
      <p>{problem.words}</p>
      {problem.kind === "consent" && <NoticeLine missing onAgree={() => undefined} />}
      {(problem.kind === "busy" || problem.kind === "closed") && <PhoneLink />}
      <div className="note__actions">
        {canRetry && <Retry problem={problem} onRetry={onRetry} />}
        {onType && problem.canType && (
          <button type="button" className={canRetry ? "button" : "button button--main"} onClick={onType}>
            {t("type_instead")}
          </button>
        )}
      </div>
      {!NOT_BY_CALL.has(problem.kind) && <CallMe />}
      {onDismiss && (
        <button
          type="button"
          className="icon-button problem__close"
          aria-label={t("dismiss")}
          onClick={onDismiss}
        >
          <Icon name="close" />
        </button>
      )}
    </section>
  );
}

function Retry({ problem, onRetry }: { problem: Problem; onRetry: () => void }) {
  const wait = useCountdown(problem);
  const isAutomatic = problem.kind === "busy";
  const retry = useRef(onRetry);
  retry.current = onRetry;
  const isDue = isAutomatic && wait === 0;
  useEffect(() => {
    if (isDue) {
      retry.current();
    }
  }, [isDue]);
  return (
    <button type="button" className="button button--main" disabled={wait > 0} onClick={onRetry}>
      {wait > 0 ? <Countdown seconds={wait} isAutomatic={isAutomatic} /> : t("try_again")}
    </button>
  );
}

/** A countdown that screen readers announce once, not every second. */
function Countdown({ seconds, isAutomatic }: { seconds: number; isAutomatic: boolean }) {
  return (
    <>
      <span className="out-of-sight">{t("try_again_wait")}</span>
      <span aria-hidden="true">{t(isAutomatic ? "next_try_in" : "try_again_in", { seconds })}</span>
    </>
  );
}

function useCountdown(problem: Problem): number {
  const [left, setLeft] = useState(problem.wait ?? 0);
  useEffect(() => {
    const until = Date.now() + (problem.wait ?? 0) * 1000;
    const show = (): void => setLeft(Math.max(0, Math.ceil((until - Date.now()) / 1000)));
    show();
    const clock = setInterval(show, 250);
    return () => clearInterval(clock);
  }, [problem]);
  return left;
}
