import { agentPage } from "../agent/page";
import { t } from "../texts/texts";

/** Example questions, each a button that asks it. */
export function Examples({ onAsk }: { onAsk: (question: string) => void }) {
  const { questions, language } = agentPage();
  if (questions.length === 0) {
    return null;
  }
  return (
    <ul className="questions" aria-label={t("examples")}>
      {questions.map((question) => (
        <li key={question}>
          <button type="button" className="question" lang={language} onClick={() => onAsk(question)}>
            {question}
          </button>
        </li>
      ))}
    </ul>
  );
}
