import { agentPage } from "../agent/page";
import type { Call } from "../call/call";
import { useChoices } from "../controls/choices";
import { Icon } from "../controls/icons";
import { NoticeLine } from "../notice/NoticeLine";
import { ProblemNote } from "../problems/ProblemNote";
import type { Problem } from "../problems/problems";
import { Examples } from "./Examples";

interface Props {
  call: Call;
  problem: Problem | null;
  onAsk: (question: string) => void;
  onSettings: () => void;
}

/** The page before a conversation: an invitation with one button, or the problem that prevents it and how to fix it. */
export function Welcome({ call, problem, onAsk, onSettings }: Props) {
  const { welcome, language } = agentPage();
  const onType = (): void => void call.open({ typing: true });
  return (
    <main className="welcome">
      <h1 lang={language}>{welcome}</h1>
      {problem && problem.kind !== "consent" ? (
        <ProblemNote problem={problem} onRetry={() => void call.again()} onType={onType} onDismiss={null} />
      ) : (
        <Invitation onTalk={() => void call.talk()} onType={onType} onAsk={onAsk} onSettings={onSettings} />
      )}
      <NoticeLine missing={problem?.kind === "consent"} onAgree={() => call.dismiss()} />
    </main>
  );
}

interface InvitationProps {
  onTalk: () => void;
  onType: () => void;
  onAsk: (question: string) => void;
  onSettings: () => void;
}

function Invitation({ onTalk, onType, onAsk, onSettings }: InvitationProps) {
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
      <Examples onAsk={onAsk} />
      <button type="button" className="link" onClick={onSettings}>
        Check microphone and speaker
      </button>
    </>
  );
}
