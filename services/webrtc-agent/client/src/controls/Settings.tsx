import { useEffect, useRef } from "react";
import { AnnouncementsChoice } from "../app/AnnouncementsChoice";
import type { Call } from "../call/call";
import type { Devices } from "../call/state";
import { Icon } from "./icons";

interface Props {
  call: Call;
  devices: Devices;
  typing: boolean;
  volume: number;
  onVolume: (volume: number) => void;
  onClose: () => void;
}

/** Which microphone, which speaker, how loud. */
export function Settings({ call, devices, typing, volume, onVolume, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="settings" aria-labelledby="settings" onClose={onClose}>
      <h2 id="settings">Devices and volume</h2>
      {!typing && (
        <DeviceChoice
          label="Microphone"
          all={devices.microphones}
          chosen={devices.microphone}
          onChoose={(id) => call.chooseMicrophone(id)}
        />
      )}
      <DeviceChoice
        label="Speaker"
        all={devices.speakers}
        chosen={devices.speaker}
        onChoose={(id) => call.chooseSpeaker(id)}
      />
      <label>
        Volume of the agent
        <input
          type="range"
          min="0"
          max="1"
          step="0.05"
          value={volume}
          aria-valuetext={`${Math.round(volume * 100)} percent`}
          onChange={(event) => onVolume(Number(event.target.value))}
        />
      </label>
      <AnnouncementsChoice />
      <button
        type="button"
        className="icon-button settings__close"
        aria-label="Close"
        onClick={() => dialog.current?.close()}
      >
        <Icon name="close" />
      </button>
    </dialog>
  );
}

interface DeviceChoiceProps {
  label: string;
  all: readonly MediaDeviceInfo[];
  chosen: string;
  onChoose: (id: string) => void;
}

/** Browsers that let a page choose no speaker list none. */
function DeviceChoice({ label, all, chosen, onChoose }: DeviceChoiceProps) {
  return (
    <label>
      {label}
      <select value={chosen} disabled={all.length === 0} onChange={(event) => onChoose(event.target.value)}>
        {!all.some((one) => one.deviceId === chosen) && <option value={chosen}>The browser's choice</option>}
        {all.map((one, at) => (
          <option key={one.deviceId} value={one.deviceId}>
            {one.label || `${label} ${at + 1}`}
          </option>
        ))}
      </select>
    </label>
  );
}
