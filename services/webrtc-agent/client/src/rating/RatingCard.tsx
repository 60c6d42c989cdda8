import { type FormEvent, useEffect, useRef, useState } from "react";
import { Icon } from "../controls/icons";
import { useNotice } from "../notice/notice";
import { LONGEST, type Rating, sendRating } from "./rating";
import "./rating.css";
import { t } from "../texts/texts";

const CHOICES: readonly { readonly rating: Rating; readonly label: "rating_good" | "rating_bad" }[] = [
  { rating: "up", label: "rating_good" },
  { rating: "down", label: "rating_bad" },
];

/** Ask how the conversation was. One press sends the rating, since most visitors would not confirm it; then a comment may follow. */
export function RatingCard({ session }: { session: string }) {
  const { notice } = useNotice();
  const [rating, setRating] = useState<Rating | null>(null);
  const [sending, setSending] = useState(false);
  const [said, setSaid] = useState("");
  const [commented, setCommented] = useState(false);
  const question = useRef<HTMLParagraphElement>(null);
  if (!notice?.rating) {
    return null;
  }
  const send = async (chosen: Rating, comment = ""): Promise<boolean> => {
    setSending(true);
    const outcome = await sendRating(session, chosen, comment);
    setSending(false);
    setSaid(t(`rating_${outcome}`));
    return outcome === "sent";
  };
  const rate = async (chosen: Rating): Promise<void> => {
    if (rating === null && !sending && (await send(chosen))) {
      setRating(chosen);
    }
  };
  const comment = async (words: string): Promise<void> => {
    if (rating !== null && words !== "" && !sending && (await send(rating, words))) {
      setCommented(true);
      question.current?.focus(); // the field that had the focus no longer exists
    }
  };
  return (
    <section className="rating" aria-label={t("rating")}>
      <p ref={question} id="rating-question" tabIndex={-1}>
        {t("rating_question")}
      </p>
      <fieldset className="rating__choices" aria-labelledby="rating-question">
        {CHOICES.map((one) => (
          <button
            key={one.rating}
            type="button"
            className="button"
            aria-pressed={rating === one.rating}
            // Not `disabled`: the pressed button would lose the focus.
            aria-disabled={rating !== null && rating !== one.rating}
            onClick={() => void rate(one.rating)}
          >
            <Icon name={one.rating} /> {t(one.label)}
          </button>
        ))}
        <span aria-live="polite">{said}</span>
      </fieldset>
      {rating !== null && notice.comment && !commented && <Comment onSend={(words) => void comment(words)} />}
    </section>
  );
}

function Comment({ onSend }: { onSend: (words: string) => void }) {
  const [words, setWords] = useState("");
  const form = useRef<HTMLFormElement>(null);
  // It appears below the pressed button, often below the edge of the window.
  useEffect(() => {
    form.current?.scrollIntoView({ block: "nearest" }); // newer browsers return a promise; React would call it as a clean-up
  }, []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onSend(words.trim());
  };
  return (
    <form ref={form} className="rating__comment" onSubmit={submit}>
      <label htmlFor="rating-comment">{t("comment")}</label>
      <textarea
        id="rating-comment"
        rows={3}
        maxLength={LONGEST}
        value={words}
        onChange={(event) => setWords(event.target.value)}
      />
      <button type="submit" className="button">
        {t("comment_send")}
      </button>
    </form>
  );
}
