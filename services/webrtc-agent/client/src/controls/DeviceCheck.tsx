import { useEffect, useRef, useState } from "react";
import { howToAllow } from "../media/blocked";
import { playChime } from "../media/chime";
import { stop, wanted } from "../media/hardware";
import { watchLevel } from "../media/level";
import { microphoneProblem } from "../problems/problems";
import { t } from "../texts/texts";
import { Icon } from "./icons";

/** About -36 dB: louder than a quiet room. */
const VOICE = 0.4;

/** A bar that follows the microphone level, and a sentence once it has picked up a voice. */
export function LevelMeter({ track }: { track: MediaStreamTrack }) {
  const bar = useRef<HTMLSpanElement>(null);
  const [heard, setHeard] = useState(false);
  useEffect(() => {
    setHeard(false);
    return watchLevel(track, (level) => {
      bar.current?.style.setProperty("--level", level.toFixed(3));
      if (level > VOICE) {
        setHeard(true);
      }
    });
  }, [track]);
  return (
    <span className="meter">
      <span ref={bar} className="meter__bar" aria-hidden="true" />
      <span className="meter__words" aria-live="polite">
        {t(heard ? "microphone_works" : "microphone_watch")}
      </span>
    </span>
  );
}

interface MicrophoneProps {
  /** The track that a conversation sends; without one the test opens the microphone itself. */
  track: MediaStreamTrack | null;
  muted: boolean;
  microphone: string;
  /** Called when the browser allows the microphone: only then do devices have names. */
  onAllowed: () => void;
}

/** Shows whether the microphone works, before or during a conversation. */
export function MicrophoneCheck({ track, muted, microphone, onAllowed }: MicrophoneProps) {
  const [trying, setTrying] = useState(false);
  const { track: tried, trouble } = useMicrophone(trying && track === null, microphone, onAllowed);
  const shown = track ?? tried;
  if (track && muted) {
    return <p className="check">{t("microphone_muted")}</p>;
  }
  if (shown) {
    return <LevelMeter track={shown} />;
  }
  return (
    <>
      <button type="button" className="button button--small" onClick={() => setTrying(true)}>
        <Icon name="microphone" /> {t("test_microphone")}
      </button>
      {trouble && (
        <p className="check" role="alert">
          {trouble}
        </p>
      )}
    </>
  );
}

function useMicrophone(open: boolean, id: string, onAllowed: () => void) {
  const [track, setTrack] = useState<MediaStreamTrack | null>(null);
  const [trouble, setTrouble] = useState("");
  const allowed = useRef(onAllowed);
  allowed.current = onAllowed;
  useEffect(() => {
    if (!open) {
      return;
    }
    let stream: MediaStream | null = null;
    let over = false;
    setTrouble("");
    openMicrophone(id).then(
      (opened) => {
        stream = opened;
        if (over) {
          stop(opened);
        } else {
          setTrack(opened.getAudioTracks()[0] ?? null);
          allowed.current();
        }
      },
      (error: unknown) => !over && setTrouble(wordsFor(error)),
    );
    return () => {
      over = true;
      stop(stream);
      setTrack(null);
    };
  }, [open, id]);
  return { track, trouble };
}

/** Open a microphone, or the system's default if it is missing. */
async function openMicrophone(id: string): Promise<MediaStream> {
  const { mediaDevices } = navigator;
  try {
    return await mediaDevices.getUserMedia({ audio: wanted(id) });
  } catch (error) {
    if (id === "" || microphoneProblem(error).kind === "denied") {
      throw error;
    }
    return await mediaDevices.getUserMedia({ audio: wanted("") });
  }
}

function wordsFor(error: unknown): string {
  const { kind, words } = microphoneProblem(error);
  return kind === "denied" ? howToAllow(navigator) : words;
}

/** Plays a short sound through the chosen speaker. */
export function SpeakerCheck({ speaker, volume }: { speaker: string; volume: number }) {
  const [state, setState] = useState<"" | "playing" | "failed">("");
  const play = async (): Promise<void> => {
    setState("playing");
    setState((await playChime(speaker, volume)) ? "" : "failed");
  };
  return (
    <>
      <button
        type="button"
        className="button button--small"
        aria-disabled={state === "playing"}
        onClick={() => state !== "playing" && void play()}
      >
        <Icon name="sound" /> {t(state === "playing" ? "test_playing" : "test_sound")}
      </button>
      {state === "failed" && (
        <p className="check" role="alert">
          {t("test_failed")}
        </p>
      )}
    </>
  );
}
