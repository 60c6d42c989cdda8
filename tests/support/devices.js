// Runs in a page before its own scripts: lets a test do to the page's sound and devices what a system does.
(() => {
  const system = { microphones: [], gone: new Set(), standard: "", context: null, connection: null };
  globalThis.system = system;

  // The one context that carries the microphone's sound to the agent is the one that makes a destination of a stream.
  const make = AudioContext.prototype.createMediaStreamDestination;
  AudioContext.prototype.createMediaStreamDestination = function (...options) {
    system.context = this;
    return make.apply(this, options);
  };
  // As iOS does for a telephone call: the context stops, and may not be started.
  system.interrupt = async () => {
    system.context.resume = () => Promise.reject(new DOMException("interrupted", "InvalidStateError"));
    await AudioContext.prototype.suspend.call(system.context);
  };
  system.release = () => delete system.context.resume;

  // Who else listens to a microphone in these tests must not keep it open: opened anew, it plays its tape from the start.
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
  // A headset is unplugged: its track ends, unlike one that a page stops itself, and the list of devices is shorter.
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
  // The system gives silence for the microphone, or its sound again.
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
