// Runs in a page before the page's own scripts: replaces WebRTC, so that a test decides what the agent reports and
// the page reaches any state at once. The page's own code, Pipecat's client and its transport run as they ship.
(() => {
  sessionStorage.clear(); // a tab would resume from it: each load begins anew

  const QUIET = { sender: { replaceTrack: async () => undefined, track: null }, receiver: {}, stop: () => undefined };

  class Channel extends EventTarget {
    readyState = "connecting";
    open() {
      this.readyState = "open";
      this.dispatchEvent(new Event("open"));
    }
    send(text) {
      const message = text.startsWith("{") ? JSON.parse(text) : { type: "ping" };
      scripted.sent.push(message);
      if (message.type === "client-ready") {
        scripted.tell("bot-ready", { version: "2.2.0", about: {} }, message.id);
      }
    }
    close() {
      this.readyState = "closed";
      this.dispatchEvent(new Event("close"));
    }
  }

  class Peer extends EventTarget {
    iceConnectionState = "new";
    connectionState = "new";
    iceGatheringState = "complete";
    signalingState = "stable";
    localDescription = null;
    sctp = { maxMessageSize: 65536 };
    transceivers = [];
    constructor() {
      super();
      scripted.peer = this;
    }
    addTransceiver() {
      this.transceivers.push(QUIET);
      return QUIET;
    }
    getTransceivers() {
      return this.transceivers;
    }
    getSenders() {
      return [];
    }
    async getStats() {
      scripted.packets += scripted.carries ? 1 : 0; // audio arrives constantly while the connection works
      return new Map([["in", { type: "inbound-rtp", packetsReceived: scripted.packets }]]);
    }
    createDataChannel() {
      scripted.channel = new Channel();
      return scripted.channel;
    }
    async createOffer() {
      return { type: "offer", sdp: "v=0" };
    }
    async setLocalDescription(offer) {
      this.localDescription = offer;
    }
    async setRemoteDescription() {
      this.become("connected");
      scripted.channel.open();
    }
    async addIceCandidate() {}
    restartIce() {}
    become(state) {
      this.iceConnectionState = state;
      this.connectionState = state;
      this.dispatchEvent(new Event("iceconnectionstatechange"));
      this.dispatchEvent(new Event("connectionstatechange"));
    }
    close() {
      this.iceConnectionState = this.connectionState = "closed";
    }
  }

  globalThis.scripted = {
    peer: null,
    channel: null,
    sent: [],
    packets: 0,
    carries: true,
    /** Report something in RTVI, as the agent does. */
    tell(type, data, id = "scripted") {
      const text = JSON.stringify({ label: "rtvi-ai", id, type, data });
      this.channel.dispatchEvent(new MessageEvent("message", { data: text }));
    },
    /** Interrupt the connection, or restore it. */
    line(steady) {
      this.carries = steady;
      this.peer.become(steady ? "connected" : "disconnected");
    },
  };
  globalThis.RTCPeerConnection = Peer;

  // `microphone` in the address says how the browser answers: it never decides, denies, or has no device.
  const answer = new URLSearchParams(location.search).get("microphone");
  const devices = navigator.mediaDevices;
  if (devices && answer) {
    devices.getUserMedia = () =>
      answer === "asked" ? new Promise(() => undefined) : Promise.reject(new DOMException("scripted", answer));
  }
})();
