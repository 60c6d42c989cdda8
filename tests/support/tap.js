// Runs in a page before the page's own scripts: records the microphone and the speaker, both on one clock.
//
// The left channel is the microphone as the browser delivers it (also while the page is muted), the right one is the
// agent's voice as the speaker plays it: after the network, the jitter buffer, and the page's own volume and mute.
(() => {
  const RATE = 16_000;
  // About a second: a page that is busy for less loses no audio. (A worklet would never lose any, but its code
  // must come from the page's own server.)
  const FRAMES = 16_384;

  const pieces = [];
  const violations = [];
  document.addEventListener("securitypolicyviolation", (event) =>
    violations.push(`${event.violatedDirective} ${event.blockedURI}`),
  );

  let merger = null;
  let speaker = null;
  const open = () => {
    const context = new AudioContext({ sampleRate: RATE });
    const recorder = context.createScriptProcessor(FRAMES, 2, 1);
    recorder.onaudioprocess = ({ inputBuffer }) => {
      const [microphone, agent] = [inputBuffer.getChannelData(0), inputBuffer.getChannelData(1)];
      const piece = new Int16Array(FRAMES * 2);
      for (let frame = 0; frame < FRAMES; frame++) {
        piece[2 * frame] = 32767 * Math.max(-1, Math.min(1, microphone[frame]));
        piece[2 * frame + 1] = 32767 * Math.max(-1, Math.min(1, agent[frame]));
      }
      pieces.push(piece);
    };
    merger = context.createChannelMerger(2);
    merger.connect(recorder).connect(context.destination); // its output is silence, but it runs only if it is connected
    speaker = context.createGain();
    speaker.connect(merger, 0, 1);
  };
  const listen = (track, plug) => {
    if (merger === null) {
      open();
    }
    plug(merger.context.createMediaStreamSource(new MediaStream([track])));
  };
  const asMicrophone = (source) => source.connect(merger, 0, 0);
  const asAgent = (source) => source.connect(speaker);
  // The browser reports it a moment after the speaker has changed, so no time here is too early.
  document.addEventListener(
    "volumechange",
    ({ target }) => {
      if (speaker !== null) {
        speaker.gain.value = target.muted ? 0 : target.volume;
      }
    },
    true,
  );

  const devices = navigator.mediaDevices;
  if (devices) {
    const ask = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (wanted) => {
      const stream = await ask(wanted);
      listen(stream.getAudioTracks()[0].clone(), asMicrophone); // the page mutes only its own track
      return stream;
    };
  }
  const Connection = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Connection {
    constructor(...options) {
      super(...options);
      this.addEventListener("track", ({ track }) => track.kind === "audio" && listen(track, asAgent));
    }
  };

  globalThis.tap = {
    violations,
    // Return whether the visitor has spoken, and has then been silent for one buffer.
    hasSpoken: () => {
      const loud = (piece) => piece.some((sample, at) => at % 2 === 0 && Math.abs(sample) > 1000);
      const last = pieces.findLastIndex(loud);
      return last >= 0 && last < pieces.length - 1;
    },
    // Return the whole recording, as base64 of 16-bit stereo; waits for the current buffer.
    recording: async () => {
      const known = pieces.length;
      while (merger !== null && pieces.length === known) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const reader = new FileReader();
      reader.readAsDataURL(new Blob(pieces));
      await new Promise((resolve) => {
        reader.onload = resolve;
      });
      return reader.result.split(",")[1] ?? "";
    },
  };
})();
