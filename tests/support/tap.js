// Runs in a page before the page's own scripts: keeps the sound that goes in and comes out, both on one clock.
//
// The left channel is the microphone as the browser gives it (also while the page is muted), the right one is the
// agent's voice as the speaker gives it: after the network, the jitter buffer, and the page's own volume and mute.
(() => {
  const RATE = 16_000;
  // About a second: a page that is busy for less loses nothing. (A worklet would lose nothing at all, but its code
  // has to come from the page's own server.)
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
    merger.connect(recorder).connect(context.destination); // its output is silence, but without one it does not run
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
  // A browser tells of it a moment after the speaker has changed, so nothing looks sooner here than it was.
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
      listen(stream.getAudioTracks()[0].clone(), asMicrophone); // what the page mutes is its own track
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
    // Tell whether the visitor has spoken, and has been silent for as long as one piece since then.
    hasSpoken: () => {
      const loud = (piece) => piece.some((sample, at) => at % 2 === 0 && Math.abs(sample) > 1000);
      const last = pieces.findLastIndex(loud);
      return last >= 0 && last < pieces.length - 1;
    },
    // All that was kept, as base64 of 16-bit stereo; waits for what is being heard right now.
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
