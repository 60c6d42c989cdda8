import type { Call } from "../call/call";
import { useChoices } from "../controls/choices";
import { Icon } from "../controls/icons";
import { ProblemNote } from "../problems/ProblemNote";
import type { Problem } from "../problems/problems";

const QUESTIONS = [
  "What is the weather in Stockholm?",
  "Will it rain in Lisbon tomorrow?",
  "How cold will it be in Oslo at nine?",
];

interface Props {
  call: Call;
  problem: Problem | null;
  onSettings: () => void;
}

/** Before a conversation: what this is, and one button; or what stands in the way, and the step that helps. */
export function Welcome({ call, problem, onSettings }: Props) {
  const onType = (): void => void call.open({ typing: true });
  return (
    <main className="welcome">
      <h1>Ask about the weather.</h1>
      {problem ? (
        <ProblemNote problem={problem} onRetry={() => void call.again()} onType={onType} onDismiss={null} />
      ) : (
        <Invitation onTalk={() => void call.talk()} onType={onType} onSettings={onSettings} />
      )}
    </main>
  );
}

interface InvitationProps {
  onTalk: () => void;
  onType: () => void;
  onSettings: () => void;
}

function Invitation({ onTalk, onType, onSettings }: InvitationProps) {
  const { mode } = useChoices();
  return (
    <>
      <p className="lead">Speak as you would on the phone. You can interrupt at any time.</p>
      <div className="start">
        <button type="button" className="orb orb--talk" onClick={onTalk}>
          <Icon name="microphone" />
          Talk
        </button>
        <div className="quietly">
          <button
            type="button"
            className={mode === "type" ? "button button--main" : "button"}
            aria-describedby="quietly"
            onClick={onType}
          >
            <Icon name="keyboard" /> Type
          </button>
          <p id="quietly">No microphone, no sound</p>
        </div>
      </div>
      <ul className="questions" aria-label="For example">
        {QUESTIONS.map((question) => (
          <li key={question}>“{question}”</li>
        ))}
      </ul>
      <button type="button" className="link" onClick={onSettings}>
        Check microphone and speaker
      </button>
    </>
  );
}
