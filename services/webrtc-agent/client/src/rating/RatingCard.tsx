import { type FormEvent, useEffect, useRef, useState } from "react";
import { Icon } from "../controls/icons";
import { useNotice } from "../notice/notice";
import { LONGEST, type Outcome, type Rating, sendRating } from "./rating";
import "./rating.css";

const WORDS: Readonly<Record<Outcome, string>> = {
  sent: "Thank you.",
  gone: "This conversation can no longer be rated.",
  failed: "That could not be sent. Please try again.",
};
const CHOICES: readonly { readonly rating: Rating; readonly label: string }[] = [
  { rating: "up", label: "Good" },
  { rating: "down", label: "Not good" },
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
    setSaid(WORDS[outcome]);
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
    <section className="rating" aria-label="Rating">
      <p ref={question} id="rating-question" tabIndex={-1}>
        How was this conversation?
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
            <Icon name={one.rating} /> {one.label}
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
      <label htmlFor="rating-comment">Anything to add? The operator of this page reads it.</label>
      <textarea
        id="rating-comment"
        rows={3}
        maxLength={LONGEST}
        value={words}
        onChange={(event) => setWords(event.target.value)}
      />
      <button type="submit" className="button">
        Send comment
      </button>
    </form>
  );
}
