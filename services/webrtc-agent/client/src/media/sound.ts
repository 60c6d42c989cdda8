/** Our own media manager: Pipecat's load code from another host. */

import type {
  DeviceErrorType,
  PipecatClientOptions,
  RTVIEventCallbacks,
  Tracks,
} from "@pipecat-ai/client-js";
import { DeviceError } from "@pipecat-ai/client-js";
import { choices } from "../controls/choices";
import { microphoneProblem, type ProblemKind, problem } from "../problems/problems";
import { replacement, standardOf, type Use } from "./devices";
import { devicesOf, revive, stop, wanted } from "./hardware";
import { Pulse } from "./pulse";
import { onWake } from "./wake";

type Device = MediaDeviceInfo | Record<string, never>;
const VISITOR = { id: "local", name: "", local: true };

const ERROR_TYPES: Partial<Record<ProblemKind, DeviceErrorType>> = {
  denied: "permissions",
  "no-microphone": "not-found",
  "microphone-taken": "in-use",
};

/** How often the microphone is checked: the page shows within a second what the system did. */
const CHECK_MS = 400;

/** What the system did to the audio of a call. */
export type SoundNews =
  | { readonly type: "heard"; readonly heard: boolean }
  | { readonly type: "device"; readonly kind: "microphone" | "speaker"; readonly label: string };

const UNUSED: Use = { chosen: "", opened: null, standard: "" };

/**
 * Microphone and speaker of one page, in the shape of Pipecat's `MediaManager`.
 *
 * A call sends one track for its whole life, and the microphone is connected to it: so the microphone can be
 * changed, muted, lost or missing from the start without a renegotiation. When the system takes the microphone away,
 * for a telephone call or with a headset, it is restored as soon as the browser allows.
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
  private use: Use = UNUSED;
  private heard = true;
  private openings = 0;
  private waking = false;
  private pulse = new Pulse();
  private rest: () => void = () => undefined;
  /** The speaker that the visitor chose; it may be disconnected and return. */
  private wantedSpeaker = "";
  private refusal: ProblemKind | null = null;

  /** Another connection is about to use it: closing the old one leaves the microphone open. */
  held = false;
  onNews: (news: SoundNews) => void = () => undefined;

  setClientOptions(options: PipecatClientOptions): void {
    this.callbacks = options.callbacks ?? {};
    this.enabled = options.enableMic ?? true;
  }

  async initialize(): Promise<void> {
    this.open();
    navigator.mediaDevices?.addEventListener("devicechange", this.devicesChanged);
    if (this.enabled && !this.isLive) {
      await this.openRemembered();
    }
    await this.listDevices();
    if (choices().speaker !== "") {
      await this.restoreSpeaker(choices().speaker);
    }
  }

  async connect(): Promise<void> {
    if (this.outlet === null) {
      await this.initialize();
    }
  }

  async disconnect(): Promise<void> {
    if (this.held) {
      return;
    }
    navigator.mediaDevices?.removeEventListener("devicechange", this.devicesChanged);
    this.openings++;
    this.rest();
    this.unplug();
    const context = this.context;
    this.context = this.outlet = null;
    await context?.close();
  }

  /** Switch to another microphone; an empty id is the browser's default. */
  async updateMic(id: string): Promise<void> {
    this.open();
    const chosen = id === "default" ? "" : id; // Chromium's name for the system's choice
    this.use = { ...this.use, chosen };
    await this.openMicrophone(chosen);
  }

  updateSpeaker(id: string): void {
    this.wantedSpeaker = id;
    void this.getAllSpeakers().then((all) => this.speakInto(all.find((one) => one.deviceId === id) ?? {}));
  }

  enableMic(enable: boolean): void {
    this.enabled = enable;
    for (const track of this.microphone?.getAudioTracks() ?? []) {
      track.enabled = enable;
    }
    if (enable && this.microphone === null && this.outlet !== null) {
      void this.openMicrophone(this.use.chosen);
    }
  }

  /** Close the microphone and keep the audio context that the visitor's click unlocked; `enableMic(true)` reopens it. */
  releaseMicrophone(): void {
    this.openings++;
    this.unplug();
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

  // Part of the interface, but for transports without tracks, and for video.
  setUserAudioCallback(): void {}
  userStartedSpeaking = (): Promise<void> => Promise.resolve();
  bufferBotAudio(): undefined {}
  updateCam(): void {}
  enableCam(): void {}
  enableScreenShare(): void {}

  private open(): void {
    if (this.context === null) {
      this.context = new AudioContext();
      this.context.addEventListener("statechange", this.check);
      this.pulse = new Pulse();
      this.heard = true;
      const checking = setInterval(this.check, CHECK_MS);
      const unwatch = onWake(() => void this.wake());
      this.rest = () => {
        clearInterval(checking);
        unwatch();
      };
    }
    void this.context.resume().catch(() => undefined);
    if (this.outlet === null) {
      this.outlet = this.context.createMediaStreamDestination();
      // On a reconnect the transport stops the old connection's track, but the new connection sends the same one.
      for (const track of this.outlet.stream.getTracks()) {
        track.stop = () => undefined;
      }
    }
  }

  /** Open the chosen microphone; if it is missing, open the default and report it. */
  private async openRemembered(): Promise<void> {
    const chosen = choices().microphone === "default" ? "" : choices().microphone;
    this.use = { ...this.use, chosen };
    if (chosen === "") {
      await this.openMicrophone("");
    } else if (await this.openMicrophone(chosen, { quietly: true })) {
      return;
    } else if (this.refusal === "denied") {
      this.fail("denied");
    } else if (await this.openMicrophone("")) {
      this.onNews({ type: "device", kind: "microphone", label: this.mic.label ?? "" });
    }
  }

  private async restoreSpeaker(id: string): Promise<void> {
    const all = await this.getAllSpeakers();
    const speaker = all.find((one) => one.deviceId === id);
    this.wantedSpeaker = id; // it may return
    this.speakInto(speaker ?? {});
    if (speaker === undefined && all.length > 0) {
      const standard = all.find((one) => one.deviceId === "default") ?? all[0];
      this.onNews({ type: "device", kind: "speaker", label: standard?.label ?? "" });
    }
  }

  /** Open a microphone. A later request wins; if this one is unavailable, the current one stays in use. */
  private async openMicrophone(id: string, { quietly = false } = {}): Promise<boolean> {
    const opening = ++this.openings;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: wanted(id) });
      if (opening !== this.openings) {
        stop(stream);
        return false;
      }
      this.unplug();
      await this.plugIn(stream, id);
      await this.listDevices();
      return true;
    } catch (error) {
      this.refusal = microphoneProblem(error).kind;
      if (!quietly) {
        this.fail(this.refusal);
      }
      return false;
    }
  }

  private fail(kind: ProblemKind): void {
    const type = ERROR_TYPES[kind] ?? "unknown";
    this.callbacks.onDeviceError?.(new DeviceError(["mic"], type, problem(kind).title));
  }

  private async plugIn(stream: MediaStream, id: string): Promise<void> {
    const [track] = stream.getAudioTracks();
    if (!(track && this.context && this.outlet)) {
      stop(stream); // the visitor left while the browser was asking
      return;
    }
    this.microphone = stream;
    this.plug = this.context.createMediaStreamSource(stream);
    this.plug.connect(this.outlet);
    track.enabled = this.enabled;
    track.addEventListener("ended", () => void this.replace(""));
    track.addEventListener("mute", this.check);
    track.addEventListener("unmute", this.check);
    this.use = { ...this.use, opened: id };
    const all = await this.getAllMics();
    this.use = { ...this.use, standard: standardOf(all) };
    this.mic = all.find((one) => one.deviceId === track.getSettings().deviceId) ?? {};
    this.callbacks.onMicUpdated?.(this.mic as MediaDeviceInfo);
    const [sent] = this.outlet?.stream.getAudioTracks() ?? [];
    if (sent) {
      this.callbacks.onTrackStarted?.(sent, VISITOR);
    }
    this.check();
  }

  private unplug(): void {
    this.plug?.disconnect();
    stop(this.microphone);
    this.plug = this.microphone = null;
  }

  /** Continue with this microphone or the default, and report a change. */
  private async replace(id: string, { quietly = false } = {}): Promise<void> {
    const { label: before } = this.mic;
    const wasLost = this.use.opened === null && this.microphone !== null;
    const opened =
      (id !== "" && (await this.openMicrophone(id, { quietly: true }))) ||
      (await this.openMicrophone("", { quietly }));
    const label = this.mic.label ?? "";
    if (opened && (wasLost || label !== before)) {
      this.onNews({ type: "device", kind: "microphone", label });
    } else if (!opened && !this.isLive) {
      this.use = { ...this.use, opened: null };
      this.check();
    }
  }

  private speakInto(speaker: Device): void {
    this.speaker = speaker;
    this.callbacks.onSpeakerUpdated?.(speaker as MediaDeviceInfo);
  }

  private readonly devicesChanged = async (): Promise<void> => {
    await this.listDevices();
    if (this.outlet === null) {
      return;
    }
    const instead = replacement(this.use, await this.getAllMics());
    if (instead !== null && this.enabled && this.microphone !== null) {
      await this.replace(instead);
    }
    const speakers = await this.getAllSpeakers();
    const speaker = speakers.find((one) => one.deviceId === this.wantedSpeaker);
    if (this.wantedSpeaker !== "" && speakers.length > 0 && speaker?.deviceId !== this.speaker.deviceId) {
      this.speakInto(speaker ?? {});
      const label =
        (speaker ?? speakers.find((one) => one.deviceId === "default") ?? speakers[0])?.label ?? "";
      this.onNews({ type: "device", kind: "speaker", label });
    }
  };

  private get isLive(): boolean {
    return this.microphone?.getAudioTracks()[0]?.readyState === "live";
  }

  /** Report whether the system delivers audio, and restart a stopped context. */
  private readonly check = (): void => {
    const { context } = this;
    if (context === null || this.outlet === null) {
      return;
    }
    const beats = this.pulse.beats(context.state, context.currentTime, performance.now());
    if (!beats) {
      void revive(context);
    }
    const heard = beats && (!this.enabled || (this.isLive && !this.isSilenced));
    if (heard !== this.heard) {
      this.heard = heard;
      this.onNews({ type: "heard", heard });
    }
  };

  /** Return whether the system replaces the microphone's audio by silence. */
  private get isSilenced(): boolean {
    return this.microphone?.getAudioTracks()[0]?.muted === true;
  }

  /** Restore the audio: browsers that stop it for a background page restart it at a touch. */
  private readonly wake = async (): Promise<void> => {
    this.check();
    const gone = this.microphone !== null && (!this.isLive || this.isSilenced);
    if (gone && this.enabled && !this.waking) {
      this.waking = true;
      await this.replace(this.use.chosen, { quietly: true });
      this.waking = false;
    }
  };

  private readonly listDevices = async (): Promise<void> => {
    this.callbacks.onAvailableMicsUpdated?.(await this.getAllMics());
    this.callbacks.onAvailableSpeakersUpdated?.(await this.getAllSpeakers());
  };
}
