import type { Call } from "../call/call";
import { Icon } from "../controls/icons";
import { ProblemNote } from "../problems/ProblemNote";
import type { Problem } from "../problems/problems";
import { Examples } from "./Examples";

interface Props {
  call: Call;
  problem: Problem | null;
  onAsk: (question: string) => void;
}

/** Before a conversation: what this is, and one button; or what stands in the way, and the step that helps. */
export function Welcome({ call, problem, onAsk }: Props) {
  return (
    <main className="welcome">
      <h1>Ask about the weather.</h1>
      {problem ? (
        <ProblemNote
          problem={problem}
          onRetry={() => void call.talk()}
          onType={() => void call.open({ typing: true })}
          onDismiss={null}
        />
      ) : (
        <Invitation onTalk={() => void call.talk()} onAsk={onAsk} />
      )}
    </main>
  );
}

function Invitation({ onTalk, onAsk }: { onTalk: () => void; onAsk: Props["onAsk"] }) {
  return (
    <>
      <p className="lead">Speak as you would on the phone. You can interrupt at any time.</p>
      <button type="button" className="orb orb--talk" onClick={onTalk}>
        <Icon name="microphone" />
        Talk
      </button>
      <Examples onAsk={onAsk} />
    </>
  );
}
