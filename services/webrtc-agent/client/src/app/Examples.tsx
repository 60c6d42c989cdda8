import { QUESTIONS } from "./questions";

/** Example questions, each a button that asks it. */
export function Examples({ onAsk }: { onAsk: (question: string) => void }) {
  return (
    <ul className="questions" aria-label="For example">
      {QUESTIONS.map((question) => (
        <li key={question}>
          <button type="button" className="question" onClick={() => onAsk(question)}>
            {question}
          </button>
        </li>
      ))}
    </ul>
  );
}
