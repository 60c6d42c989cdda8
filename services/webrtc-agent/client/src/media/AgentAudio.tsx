import { useEffect, useRef, useState } from "react";
import type { CallState } from "../call/state";
import { useChoices } from "../controls/choices";
import { t } from "../texts/texts";
import { onWake } from "./wake";

/** Plays the agent's voice. */
export function AgentAudio({ state }: { state: CallState }) {
  const { agentTrack: track } = state;
  const { speaker } = state.devices;
  const muted = state.cut || state.silent; // at once, regardless of what the browser has buffered
  const { volume } = useChoices();
  const audio = useRef<HTMLAudioElement>(null);
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (audio.current && track) {
      audio.current.srcObject = new MediaStream([track]);
      // Safari may block playback until the visitor touches the page again.
      audio.current.play().then(
        () => setHeld(false),
        (error: unknown) => setHeld(error instanceof Error && error.name === "NotAllowedError"),
      );
    }
  }, [track]);
  // Only a telephone call or a disconnected headset pauses playback.
  useEffect(() => {
    const goOn = (): void => {
      if (audio.current?.srcObject && audio.current.paused) {
        audio.current.play().then(
          () => setHeld(false),
          () => undefined, // not yet; the button stays, and the next touch tries again
        );
      }
    };
    return onWake(goOn);
  }, []);
  useEffect(() => {
    if (audio.current) {
      audio.current.volume = volume;
      audio.current.muted = muted;
    }
  }, [volume, muted]);
  useEffect(() => {
    const output = audio.current as (HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> }) | null;
    void output?.setSinkId?.(speaker).catch(() => undefined);
  }, [speaker]);
  return (
    <>
      {/* biome-ignore lint/a11y/useMediaCaption: the transcript is the caption */}
      <audio ref={audio} autoPlay />
      {held && track && !muted && (
        <button
          type="button"
          className="button button--main unhold"
          onClick={() => void audio.current?.play().then(() => setHeld(false))}
        >
          {t("sound_on")}
        </button>
      )}
    </>
  );
}
