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

const events = { state: "", ready: null, visitor: [], agent: [], tools: [], errors: [], message: null };
globalThis.events = events;

const client = new PipecatClient({
  transport: new SmallWebRTCTransport({ mediaManager: new PlainMicrophone() }),
  enableMic: true,
  callbacks: {
    onTransportStateChanged: (state) => {
      events.state = state;
    },
    onBotReady: (ready) => {
      events.ready = ready;
    },
    onUserTranscript: ({ text, final }) => final && events.visitor.push(text),
    onBotOutput: ({ text, spoken_status: status }) => status === "completed" && events.agent.push(text),
    onLLMFunctionCallStopped: (call) => events.tools.push(call),
    onServerMessage: (message) => {
      events.message = message;
    },
    onError: (error) => events.errors.push(error),
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
    .catch((error) => events.errors.push(String(error?.message ?? error)));
});
