import type { Call } from "../call/call";
import { Icon } from "../controls/icons";
import { NoticeLine } from "../notice/NoticeLine";
import { ProblemNote } from "../problems/ProblemNote";
import type { Problem } from "../problems/problems";

const QUESTIONS = [
  "What is the weather in Stockholm?",
  "Will it rain in Lisbon tomorrow?",
  "How cold will it be in Oslo at nine?",
];

/** Before a conversation: what this is, and one button; or what stands in the way, and the step that helps. */
export function Welcome({ call, problem }: { call: Call; problem: Problem | null }) {
  return (
    <main className="welcome">
      <h1>Ask about the weather.</h1>
      {problem && problem.kind !== "consent" ? (
        <ProblemNote
          problem={problem}
          onRetry={() => void call.again()}
          onType={() => void call.open({ typing: true })}
          onDismiss={null}
        />
      ) : (
        <Invitation onTalk={() => void call.talk()} />
      )}
      <NoticeLine missing={problem?.kind === "consent"} onAgree={() => call.dismiss()} />
    </main>
  );
}

function Invitation({ onTalk }: { onTalk: () => void }) {
  return (
    <>
      <p className="lead">Speak as you would on the phone. You can interrupt at any time.</p>
      <button type="button" className="orb orb--talk" onClick={onTalk}>
        <Icon name="microphone" />
        Talk
      </button>
      <ul className="questions" aria-label="For example">
        {QUESTIONS.map((question) => (
          <li key={question}>“{question}”</li>
        ))}
      </ul>
    </>
  );
}
