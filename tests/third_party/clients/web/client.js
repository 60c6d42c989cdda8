// An app around one published pair of Pipecat's web client and transport, as their manuals have it: it starts, shows
// what its callbacks are told, and leaves. `told` is what the test reads.
import { PipecatClient } from "@pipecat-ai/client-js";
import { SmallWebRTCTransport, WavMediaManager } from "@pipecat-ai/small-webrtc-transport";

const told = { state: "", ready: null, visitor: [], agent: [], output: [], tools: [], refused: [], errors: [] };
globalThis.told = told;

const wav = new WavMediaManager();
const client = new PipecatClient({
  transport: new SmallWebRTCTransport({ mediaManager: wav }),
  enableMic: true,
  callbacks: {
    onTransportStateChanged: (state) => {
      told.state = state;
    },
    onBotReady: (ready) => {
      told.ready = ready;
    },
    onUserTranscript: ({ text, final }) => final && told.visitor.push(text),
    onBotTranscript: ({ text }) => told.agent.push(text),
    onBotOutput: (output) => told.output.push(output),
    onLLMFunctionCallStopped: (call) => told.tools.push(call),
    onMessageError: (message) => told.refused.push(message),
    onError: (error) => told.errors.push(error),
    onTrackStarted: (track, whose) => {
      if (!whose?.local) {
        document.querySelector("audio").srcObject = new MediaStream([track]);
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
  connect().catch((error) => told.errors.push(String(error?.message ?? error)));
};
// A request that this agent does not know. The client waits ten seconds for an answer.
globalThis.request = () => client.sendClientRequest("language", { to: "sv" }).catch((error) => error);
globalThis.loaded = true;
