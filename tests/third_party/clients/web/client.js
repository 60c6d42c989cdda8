// An app around one published pair of Pipecat's web client and transport, as their manuals have it: it starts, shows
// what its callbacks receive, and leaves. `events` is what the test reads.
import { PipecatClient } from "@pipecat-ai/client-js";
import { SmallWebRTCTransport, WavMediaManager } from "@pipecat-ai/small-webrtc-transport";

const events = { state: "", ready: null, visitor: [], agent: [], output: [], tools: [], errors: [], quiet: false, loudest: 0 };
globalThis.events = events;

// A microphone that is silent until the visitor speaks.
const sound = new AudioContext();
const microphone = sound.createMediaStreamDestination();
navigator.mediaDevices.getUserMedia = async () => new MediaStream(microphone.stream.getTracks().map((it) => it.clone()));
globalThis.speak = () => {
  const tone = new OscillatorNode(sound, { frequency: 300 });
  tone.connect(microphone);
  tone.start();
  tone.stop(sound.currentTime + 0.6);
};

/** Keep how loud the agent was at most. A remote track plays into Web Audio only while an element plays it too. */
function listen(track) {
  const stream = new MediaStream([track]);
  document.querySelector("audio").srcObject = stream;
  const meter = new AnalyserNode(sound);
  sound.createMediaStreamSource(stream).connect(meter);
  const samples = new Float32Array(meter.fftSize);
  setInterval(() => {
    meter.getFloatTimeDomainData(samples);
    events.loudest = Math.max(events.loudest, ...samples);
  }, 30);
}

const wav = new WavMediaManager();
const client = new PipecatClient({
  transport: new SmallWebRTCTransport({ mediaManager: wav }),
  enableMic: true,
  callbacks: {
    onTransportStateChanged: (state) => {
      events.state = state;
    },
    onBotReady: (ready) => {
      events.ready = ready;
    },
    onBotStoppedSpeaking: () => {
      events.quiet = true;
    },
    onUserTranscript: ({ text, final }) => final && events.visitor.push(text),
    onBotTranscript: ({ text }) => events.agent.push(text),
    onBotOutput: (output) => events.output.push(output),
    onLLMFunctionCallStopped: (call) => events.tools.push(call),
    onError: (error) => events.errors.push(error),
    onTrackStarted: (track, whose) => {
      if (!whose?.local && track.kind === "audio") {
        listen(track);
      }
    },
  },
});
globalThis.client = client;

/** Connect by the route that the address of this page names. */
function connect() {
  const endpoint = new URLSearchParams(location.search).get("by");
  if (endpoint === "/api/offer") {
    return client.connect({ webrtcUrl: new URL(endpoint, location.href).href });
  }
  const requestData = { transport: "webrtc", enableDefaultIceServers: true, body: { basket: "tulips" } };
  return client.startBotAndConnect({ endpoint, requestData });
}

globalThis.begin = () => {
  connect().catch((error) => events.errors.push(String(error?.message ?? error)));
};
// A request that this agent does not know. The client waits ten seconds for an answer.
globalThis.request = () => client.sendClientRequest("language", { to: "sv" }).catch((error) => error);
globalThis.loaded = true;
