import { useEffect } from "react";
import type { Call } from "../call/call";
import { type CallState, isLive } from "../call/state";
import { decibels } from "./level";
import { VoiceActivity } from "./voice";
import { onWake } from "./wake";

/** Often enough to detect a voice within 150 ms. */
const LOOK_MS = 20;

/** Notifies the call as soon as the visitor speaks; the model reports it only with the turn. Renders nothing. */
export function Hearing({ call, state, volume }: { call: Call; state: CallState; volume: number }) {
  const { ownTrack, agentTrack, muted, silent } = state;
  const listens = isLive(state.phase) && !muted && ownTrack !== null;
  const loudness = silent ? 0 : volume;
  useEffect(() => {
    if (!(listens && ownTrack)) {
      return;
    }
    const stop = watchVoice(ownTrack, loudness > 0 ? agentTrack : null, loudness, (voice) =>
      call.voice(voice),
    );
    return () => {
      stop();
      call.voice(false);
    };
  }, [listens, ownTrack, agentTrack, loudness, call]);
  return null;
}

function watchVoice(
  own: MediaStreamTrack,
  agent: MediaStreamTrack | null,
  volume: number,
  tell: (voice: boolean) => void,
): () => void {
  const context = new AudioContext();
  const level = (track: MediaStreamTrack): (() => number) => {
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    return () => {
      analyser.getFloatTimeDomainData(samples);
      return decibels(samples);
    };
  };
  const ownLevel = level(own);
  const agentLevel = agent ? level(agent) : () => -120;
  const played = 20 * Math.log10(Math.max(volume, 1e-6));
  const activity = new VoiceActivity();
  let reported = false;
  const look = (): void => {
    const voice = activity.take(ownLevel(), agentLevel() + played, performance.now());
    if (voice !== reported) {
      reported = voice;
      tell(voice);
    }
  };
  const looking = setInterval(look, LOOK_MS);
  const unwatch = onWake(() => void context.resume().catch(() => undefined));
  return () => {
    clearInterval(looking);
    unwatch();
    void context.close();
  };
}
