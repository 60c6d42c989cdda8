/** The devices of this browser, asked for directly: Pipecat's own media managers fetch code from another host. */

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

/** How often the microphone is looked after: the page says within a second what the system did. */
const CHECK_MS = 400;

/** What the system did to the sound of a call. */
export type SoundNews =
  | { readonly type: "heard"; readonly heard: boolean }
  | { readonly type: "device"; readonly kind: "microphone" | "speaker"; readonly label: string };

const UNUSED: Use = { chosen: "", opened: null, standard: "" };

/**
 * Microphone and speaker of one page, in the shape of Pipecat's `MediaManager`.
 *
 * What is sent is one track for the life of a call, and the microphone is plugged into it: so the microphone can be
 * changed, muted, lost or missing from the start, and the transport need not negotiate anew. What the system takes away,
 * for a telephone call or with a headset, is taken back as soon as the browser allows.
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
  /** The speaker that the visitor chose; it may be unplugged, and come back. */
  private wantedSpeaker = "";
  private refusal: ProblemKind | null = null;

  /** Another connection is about to use it: what ends the old one leaves the microphone open. */
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

  /** Speak into another microphone; an empty id is the browser's default one. */
  async updateMic(id: string): Promise<void> {
    this.open();
    const chosen = id === "default" ? "" : id; // as Chromium lists the system's own choice
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

  /** Close the microphone, and keep what the visitor's click has unlocked; `enableMic(true)` opens it again. */
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

  // Of the shape, but for transports that carry no tracks, and for pictures.
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
      // On reconnecting the transport stops what the old connection sent, but the new one sends the same track.
      for (const track of this.outlet.stream.getTracks()) {
        track.stop = () => undefined;
      }
    }
  }

  /** Open the microphone that was chosen before; where it is gone, the default one, and say so. */
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
    this.wantedSpeaker = id; // it may come back
    this.speakInto(speaker ?? {});
    if (speaker === undefined && all.length > 0) {
      const standard = all.find((one) => one.deviceId === "default") ?? all[0];
      this.onNews({ type: "device", kind: "speaker", label: standard?.label ?? "" });
    }
  }

  /** Open a microphone. One that was asked for later wins; what is in use stays if this one cannot be had. */
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
      stop(stream); // the visitor has left while the browser was still asking
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

  /** Go on with this microphone or else the default one, and say so where it is not the same one again. */
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

  /** Tell what the agent gets to hear, as far as the system is concerned, and start a context that was stopped. */
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

  /** Whether the system gives silence for the microphone's sound. */
  private get isSilenced(): boolean {
    return this.microphone?.getAudioTracks()[0]?.muted === true;
  }

  /** Take the sound back: browsers that keep it from a page in the background give it at a touch. */
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
