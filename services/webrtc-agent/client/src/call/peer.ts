/** Sound and messages straight between the browser and the service. */

import type { Transport } from "@pipecat-ai/client-js";
import { SmallWebRTCTransport } from "@pipecat-ai/small-webrtc-transport";
import { BrowserSound, type SoundNews } from "../media/sound";

export type Line = "steady" | "broken";

/**
 * Tells when the connection wavers. The transport mends it by itself but never says so; a visitor who hears nothing
 * has to know. `tests/peer.test.ts` holds the one method of the transport that this leans on.
 */
export class WatchedTransport extends SmallWebRTCTransport {
  onLine: (line: Line) => void = () => undefined;
  /** Tells the agent's sound anew after mending: the end of the old track makes the transport forget the new one. */
  onSound: (track: MediaStreamTrack) => void = () => undefined;

  private readonly made: RTCPeerConnection[] = [];
  private readonly sound: BrowserSound;

  constructor(sound: BrowserSound) {
    // Our class has the shape of a MediaManager, but that type is in a package that npm does not serve.
    super({ mediaManager: sound as never });
    this.sound = sound;
  }

  /**
   * The transport forgets the microphone when it is stopped before it has a connection, and the broken connection when
   * it is stopped in the middle of mending it.
   */
  override async _disconnect(): Promise<void> {
    await super._disconnect();
    await this.sound.disconnect();
    for (const connection of this.made.splice(0)) {
      connection.close();
    }
  }

  /** Close the microphone while it is of no use; switching it on again opens it. */
  rest(resting: boolean): void {
    if (resting) {
      this.sound.releaseMicrophone();
    }
  }

  protected createPeerConnection(): RTCPeerConnection {
    const make = (SmallWebRTCTransport.prototype as unknown as Maker).createPeerConnection;
    const connection = make.call(this);
    this.made.push(connection);
    connection.addEventListener("track", ({ track }) => {
      if (track.kind === "audio") {
        track.addEventListener("unmute", () => this.onSound(track));
      }
    });
    connection.addEventListener("iceconnectionstatechange", () => {
      const state = connection.iceConnectionState;
      if (state === "connected" || state === "completed") {
        this.onLine("steady");
      } else if (state === "disconnected" || state === "failed") {
        this.onLine("broken");
      }
    });
    return connection;
  }
}

interface Maker {
  createPeerConnection(this: WatchedTransport): RTCPeerConnection;
}

export function peerTransport(
  onLine: (line: Line) => void,
  onSound: (track: MediaStreamTrack) => void,
  onNews: (news: SoundNews) => void,
): Transport {
  const sound = new BrowserSound();
  sound.onNews = onNews;
  const transport = new WatchedTransport(sound);
  transport.onLine = onLine;
  transport.onSound = onSound;
  return transport;
}
