// What React Native's transport takes from a telephone, given by the browser: connections, a microphone, no views.
import { MediaManager, RNSmallWebRTCTransport } from "@pipecat-ai/react-native-small-webrtc-transport";

export { RNSmallWebRTCTransport as SmallWebRTCTransport };

export class WavMediaManager extends MediaManager {
  selectedMic = {};
  selectedCam = {};
  selectedSpeaker = {};
  isMicEnabled = true;
  isCamEnabled = false;
  isSharingScreen = false;
  stream = null;
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
  }
  tracks() {
    return { local: { audio: this.stream?.getAudioTracks()[0] } };
  }
  enableMic() {}
  enableCam() {}
  enableScreenShare() {}
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
