/** The devices of this browser, asked for directly: Pipecat's own media managers fetch code from another host. */

import type {
  DeviceErrorType,
  PipecatClientOptions,
  RTVIEventCallbacks,
  Tracks,
} from "@pipecat-ai/client-js";
import { DeviceError } from "@pipecat-ai/client-js";
import { microphoneProblem, type ProblemKind } from "../problems/problems";

type Device = MediaDeviceInfo | Record<string, never>;
const VISITOR = { id: "local", name: "", local: true };

const ERROR_TYPES: Partial<Record<ProblemKind, DeviceErrorType>> = {
  denied: "permissions",
  "no-microphone": "not-found",
  "microphone-taken": "in-use",
};

/**
 * Microphone and speaker of one page, in the shape of Pipecat's `MediaManager`.
 *
 * What is sent is one track for the life of a call, and the microphone is plugged into it: so the microphone can be
 * changed, muted, lost or missing from the start, and the transport need not negotiate anew.
 */
export class BrowserSound {
  readonly supportsScreenShare = false;
  readonly isCamEnabled = false;
  readonly isSharingScreen = false;
  private callbacks: RTVIEventCallbacks = {};
  private context: AudioContext | null = null;
  private outlet: MediaStreamAudioDestinationNode | null = null;
  private microphone: MediaStream | null = null;
  private plug: MediaStreamAudioSourceNode | null = null;
  private enabled = true;
  private mic: Device = {};
  private speaker: Device = {};

  setClientOptions(options: PipecatClientOptions): void {
    this.callbacks = options.callbacks ?? {};
    this.enabled = options.enableMic ?? true;
  }

  async initialize(): Promise<void> {
    this.open();
    navigator.mediaDevices?.addEventListener("devicechange", this.listDevices);
    if (this.enabled) {
      await this.use("");
    }
    await this.listDevices();
  }

  async connect(): Promise<void> {
    if (this.outlet === null) {
      await this.initialize();
    }
  }

  async disconnect(): Promise<void> {
    navigator.mediaDevices?.removeEventListener("devicechange", this.listDevices);
    this.unplug();
    const context = this.context;
    this.context = this.outlet = null;
    await context?.close();
  }

  /** Speak into another microphone; an empty id is the browser's default one. */
  async updateMic(id: string): Promise<void> {
    this.open();
    await this.use(id);
  }

  updateSpeaker(id: string): void {
    void this.getAllSpeakers().then((all) => {
      this.speaker = all.find((one) => one.deviceId === id) ?? {};
      this.callbacks.onSpeakerUpdated?.(this.speaker as MediaDeviceInfo);
    });
  }

  enableMic(enable: boolean): void {
    this.enabled = enable;
    for (const track of this.microphone?.getAudioTracks() ?? []) {
      track.enabled = enable;
    }
    if (enable && this.microphone === null && this.outlet !== null) {
      void this.use("");
    }
  }

  getAllMics = (): Promise<MediaDeviceInfo[]> => devicesOf("audioinput");
  getAllSpeakers = (): Promise<MediaDeviceInfo[]> => devicesOf("audiooutput");
  getAllCams = (): Promise<MediaDeviceInfo[]> => Promise.resolve([]);
  get selectedMic(): Device {
    return this.mic;
  }
  get selectedSpeaker(): Device {
    return this.speaker;
  }
  get selectedCam(): Device {
    return {};
  }
  get isMicEnabled(): boolean {
    return this.enabled;
  }

  tracks(): Tracks {
    const audio = this.outlet?.stream.getAudioTracks()[0];
    return { local: audio ? { audio } : {} };
  }

  // Of the shape, but for transports that carry no tracks, and for pictures.
  setUserAudioCallback(): void {}
  userStartedSpeaking = (): Promise<void> => Promise.resolve();
  bufferBotAudio(): undefined {}
  updateCam(): void {}
  enableCam(): void {}
  enableScreenShare(): void {}

  private open(): void {
    this.context ??= new AudioContext();
    void this.context.resume();
    if (this.outlet === null) {
      this.outlet = this.context.createMediaStreamDestination();
      // On reconnecting the transport stops what the old connection sent, but the new one sends the same track.
      for (const track of this.outlet.stream.getTracks()) {
        track.stop = () => undefined;
      }
    }
  }

  private async use(id: string): Promise<void> {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: wanted(id) });
      this.unplug();
      this.plugIn(stream);
      await this.listDevices();
    } catch (error) {
      const { kind, title } = microphoneProblem(error);
      const type = ERROR_TYPES[kind] ?? "unknown";
      this.callbacks.onDeviceError?.(new DeviceError(["mic"], type, title));
    }
  }

  private plugIn(stream: MediaStream): void {
    const [track] = stream.getAudioTracks();
    if (!(track && this.context && this.outlet)) {
      track?.stop(); // the visitor has left while the browser was still asking
      return;
    }
    this.microphone = stream;
    this.plug = this.context.createMediaStreamSource(stream);
    this.plug.connect(this.outlet);
    track.enabled = this.enabled;
    track.addEventListener("ended", () => void this.use(""));
    void this.getAllMics().then((all) => {
      this.mic = all.find((one) => one.deviceId === track.getSettings().deviceId) ?? {};
      this.callbacks.onMicUpdated?.(this.mic as MediaDeviceInfo);
    });
    const [sent] = this.outlet.stream.getAudioTracks();
    if (sent) {
      this.callbacks.onTrackStarted?.(sent, VISITOR);
    }
  }

  private unplug(): void {
    this.plug?.disconnect();
    for (const track of this.microphone?.getTracks() ?? []) {
      track.stop();
    }
    this.plug = this.microphone = null;
  }

  private readonly listDevices = async (): Promise<void> => {
    this.callbacks.onAvailableMicsUpdated?.(await this.getAllMics());
    this.callbacks.onAvailableSpeakersUpdated?.(await this.getAllSpeakers());
  };
}

/** Tell which of a kind there are; before the microphone is allowed, browsers name none. */
async function devicesOf(kind: MediaDeviceKind): Promise<MediaDeviceInfo[]> {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return all.filter((one) => one.kind === kind && one.deviceId !== "");
}

const wanted = (id: string): MediaTrackConstraints => ({
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  ...(id === "" ? {} : { deviceId: { exact: id } }),
});
