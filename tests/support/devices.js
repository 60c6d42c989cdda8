// Runs in a page before its own scripts: lets a test change the page's audio and devices as a system does.
(() => {
  const system = { microphones: [], gone: new Set(), standard: "", context: null, connection: null };
  globalThis.system = system;

  // The context that carries the microphone's audio to the agent is the one that creates a stream destination.
  const make = AudioContext.prototype.createMediaStreamDestination;
  AudioContext.prototype.createMediaStreamDestination = function (...options) {
    system.context = this;
    return make.apply(this, options);
  };
  // As iOS does during a telephone call: the context stops, and cannot be resumed.
  system.interrupt = async () => {
    system.context.resume = () => Promise.reject(new DOMException("interrupted", "InvalidStateError"));
    await AudioContext.prototype.suspend.call(system.context);
  };
  system.release = () => delete system.context.resume;

  // The tests' own taps must not keep the microphone open: opened anew, it plays its recording from the start.
  MediaStreamTrack.prototype.clone = function () {
    return this;
  };
  const devices = navigator.mediaDevices;
  const ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wanted) => {
    if (system.gone.has(wanted.audio?.deviceId?.exact)) {
      throw new DOMException("unplugged", "OverconstrainedError");
    }
    const stream = await ask(wanted);
    system.microphones.push(stream.getAudioTracks()[0]);
    return stream;
  };
  const list = devices.enumerateDevices.bind(devices);
  devices.enumerateDevices = async () => {
    const all = (await list()).filter((one) => !system.gone.has(one.deviceId));
    return all.map((one) =>
      one.deviceId === "default" && system.standard !== ""
        ? { ...one.toJSON(), label: system.standard, groupId: system.standard }
        : one,
    );
  };
  system.microphone = () => system.microphones.at(-1);
  // A headset is unplugged: its track fires `ended`, unlike one that the page stops, and its device disappears.
  system.unplug = (id) => {
    system.gone.add(id);
    const track = system.microphone();
    if (track.getSettings().deviceId === id) {
      track.stop();
      track.dispatchEvent(new Event("ended"));
    }
    devices.dispatchEvent(new Event("devicechange"));
  };
  system.plugIn = (id) => {
    system.gone.delete(id);
    devices.dispatchEvent(new Event("devicechange"));
  };
  system.choose = (label) => {
    system.standard = label;
    devices.dispatchEvent(new Event("devicechange"));
  };
  // The system sends silence in place of the microphone, or its audio again.
  system.silence = (silent) => {
    const track = system.microphone();
    Object.defineProperty(track, "muted", { value: silent, configurable: true });
    track.dispatchEvent(new Event(silent ? "mute" : "unmute"));
  };

  const Connection = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Connection {
    constructor(...options) {
      super(...options);
      system.connection = this;
    }
  };
  system.packets = async () => {
    const report = [...(await system.connection.getStats()).values()];
    return report.find((one) => one.type === "outbound-rtp" && one.kind === "audio").packetsSent;
  };
})();
