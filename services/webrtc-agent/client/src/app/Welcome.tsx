import { agentPage } from "../agent/page";
import type { Call } from "../call/call";
import { useChoices } from "../controls/choices";
import { Icon } from "../controls/icons";
import { NoticeLine } from "../notice/NoticeLine";
import { ProblemNote } from "../problems/ProblemNote";
import type { Problem } from "../problems/problems";
import { t } from "../texts/texts";
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
      <h1 lang={welcome === null ? undefined : language}>{welcome ?? t("welcome")}</h1>
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
      <p className="lead">{t("lead")}</p>
      <div className="start">
        <button type="button" className="orb orb--talk" onClick={onTalk}>
          <Icon name="microphone" />
          {t("talk")}
        </button>
        <div className="quietly">
          <button
            type="button"
            className={mode === "type" ? "button button--main" : "button"}
            aria-describedby="quietly"
            onClick={onType}
          >
            <Icon name="keyboard" /> {t("type")}
          </button>
          <p id="quietly">{t("quietly")}</p>
        </div>
      </div>
      <Examples onAsk={onAsk} />
      <button type="button" className="link" onClick={onSettings}>
        {t("check_devices")}
      </button>
    </>
  );
}
