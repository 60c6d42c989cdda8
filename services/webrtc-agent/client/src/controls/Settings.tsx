import { useCallback, useEffect, useState } from "react";
import { AnnouncementsChoice } from "../app/AnnouncementsChoice";
import type { Call } from "../call/call";
import { type CallState, isLive } from "../call/state";
import { canSetVolume } from "../media/chime";
import { devicesOf } from "../media/hardware";
import { percent, t } from "../texts/texts";
import { choose, useChoices } from "./choices";
import { MicrophoneCheck, SpeakerCheck } from "./DeviceCheck";
import { Dialog } from "./Dialog";

interface Props {
  call: Call;
  state: CallState;
  onShortcuts: () => void;
  onClose: () => void;
}

/** Microphone, speaker and volume, each with a test. The browser keeps the choices. */
export function Settings({ call, state, onShortcuts, onClose }: Props) {
  const { volume, pushToTalk, microphone: remembered, speaker: rememberedSpeaker } = useChoices();
  const live = isLive(state.phase);
  const devices = useDevices(state, live);
  const speaker = live ? devices.speaker : rememberedSpeaker;
  const microphone = live ? devices.microphone : remembered;
  return (
    <Dialog id="settings" title={t("devices_title")} onClose={onClose}>
      {!(live && state.typing) && (
        <fieldset>
          <DeviceChoice
            label={t("microphone")}
            all={devices.microphones}
            chosen={microphone}
            onChoose={(id) => call.chooseMicrophone(id)}
          />
          <MicrophoneCheck
            track={live ? state.ownTrack : null}
            muted={state.muted}
            microphone={microphone}
            onAllowed={devices.refresh}
          />
        </fieldset>
      )}
      <fieldset>
        <DeviceChoice
          label={t("speaker")}
          all={devices.speakers}
          chosen={speaker}
          onChoose={(id) => call.chooseSpeaker(id)}
        />
        <Volume volume={volume} />
        <SpeakerCheck speaker={speaker} volume={volume} />
      </fieldset>
      <label className="switch">
        <input
          type="checkbox"
          checked={pushToTalk}
          onChange={(event) => call.pushToTalk(event.target.checked)}
        />
        {t("push_to_talk")}
      </label>
      <AnnouncementsChoice />
      <button type="button" className="button button--small settings__keys" onClick={onShortcuts}>
        {t("shortcuts")}
      </button>
    </Dialog>
  );
}

/** Return the devices of the conversation, or before one those that the browser lists. */
function useDevices({ devices }: CallState, live: boolean) {
  const [found, setFound] = useState<{ microphones: MediaDeviceInfo[]; speakers: MediaDeviceInfo[] } | null>(
    null,
  );
  const refresh = useCallback((): void => {
    void Promise.all([devicesOf("audioinput"), devicesOf("audiooutput")]).then(([microphones, speakers]) =>
      setFound({ microphones, speakers }),
    );
  }, []);
  useEffect(() => {
    if (!live) {
      refresh();
    }
  }, [live, refresh]);
  return live || found === null ? { ...devices, refresh } : { ...devices, ...found, refresh };
}

function Volume({ volume }: { volume: number }) {
  const [settable] = useState(canSetVolume);
  return settable ? (
    <label>
      {t("volume")}
      <input
        type="range"
        min="0"
        max="1"
        step="0.05"
        value={volume}
        aria-valuetext={percent(volume)}
        onChange={(event) => choose({ volume: Number(event.target.value) })}
      />
    </label>
  ) : (
    <p className="check">{t("volume_buttons")}</p>
  );
}

interface DeviceChoiceProps {
  label: string;
  all: readonly MediaDeviceInfo[];
  chosen: string;
  onChoose: (id: string) => void;
}

/** A device menu. Browsers in which a page cannot choose the speaker list none. */
function DeviceChoice({ label, all, chosen, onChoose }: DeviceChoiceProps) {
  return (
    <label>
      {label}
      <select value={chosen} disabled={all.length === 0} onChange={(event) => onChoose(event.target.value)}>
        {!all.some((one) => one.deviceId === chosen) && (
          <option value={chosen}>{t("browser_default")}</option>
        )}
        {all.map((one, at) => (
          <option key={one.deviceId} value={one.deviceId}>
            {one.label || t("device_number", { device: label, number: at + 1 })}
          </option>
        ))}
      </select>
    </label>
  );
}
