// A page of another developer: Pipecat's published client as its manual shows it, without code of ours.
import { PipecatClient } from "@pipecat-ai/client-js";
import { SmallWebRTCTransport } from "@pipecat-ai/small-webrtc-transport";

/** The minimal microphone for the transport. The package's own one loads its code from another host. */
class PlainMicrophone {
  selectedMic = {};
  selectedSpeaker = {};
  selectedCam = {};
  isCamEnabled = false;
  isMicEnabled = true;
  isSharingScreen = false;
  supportsScreenShare = false;
  stream = null;
  setClientOptions() {}
  async initialize() {
    this.stream ??= await navigator.mediaDevices.getUserMedia({ audio: true });
  }
  connect() {
    return this.initialize();
  }
  async disconnect() {
    for (const track of this.stream?.getTracks() ?? []) {
      track.stop();
    }
    this.stream = null;
  }
  tracks() {
    return { local: { audio: this.stream?.getAudioTracks()[0] } };
  }
  enableMic() {}
  enableCam() {}
  enableScreenShare() {}
  setUserAudioCallback() {}
  async userStartedSpeaking() {}
  async getAllMics() {
    return [];
  }
  async getAllCams() {
    return [];
  }
  async getAllSpeakers() {
    return [];
  }
}

const told = { state: "", ready: null, visitor: [], agent: [], tools: [], errors: [], message: null };
globalThis.told = told;

const client = new PipecatClient({
  transport: new SmallWebRTCTransport({ mediaManager: new PlainMicrophone() }),
  enableMic: true,
  callbacks: {
    onTransportStateChanged: (state) => {
      told.state = state;
    },
    onBotReady: (ready) => {
      told.ready = ready;
    },
    onUserTranscript: ({ text, final }) => final && told.visitor.push(text),
    onBotOutput: ({ text, spoken_status: status }) => status === "completed" && told.agent.push(text),
    onLLMFunctionCallStopped: (call) => told.tools.push(call),
    onServerMessage: (message) => {
      told.message = message;
    },
    onError: (error) => told.errors.push(error),
    onTrackStarted: (track, whose) => {
      if (!whose?.local) {
        document.querySelector("audio").srcObject = new MediaStream([track]);
      }
    },
  },
});
globalThis.client = client;

document.querySelector("button").addEventListener("click", () => {
  client
    .startBotAndConnect({ endpoint: "/start", requestData: { transport: "webrtc", enableDefaultIceServers: true } })
    .catch((error) => told.errors.push(String(error?.message ?? error)));
});
