/** Audio and messages directly between the browser and the service. */

import { SmallWebRTCTransport } from "@pipecat-ai/small-webrtc-transport";
import type { BrowserSound, SoundNews } from "../media/sound";

export type Line = "steady" | "broken";

/**
 * Reports when the connection is unstable. The transport recovers it without an event, but a visitor who hears nothing
 * needs to know. `tests/peer.test.ts` checks the one method of the transport that this depends on.
 */
export class WatchedTransport extends SmallWebRTCTransport {
  /** False where the page reconnects, in a session that knows the transcript; the transport's own reconnects would fail. */
  mends = true;
  onLine: (line: Line) => void = () => undefined;
  /** Reports the agent's track again after a recovery: when the old track ends, the transport forgets the new one. */
  onSound: (track: MediaStreamTrack) => void = () => undefined;

  private readonly made: RTCPeerConnection[] = [];
  private readonly sound: BrowserSound;

  constructor(sound: BrowserSound) {
    // Our class has the shape of a MediaManager, but npm does not publish the package with that type.
    super({ mediaManager: sound as never });
    this.sound = sound;
  }

  /**
   * The transport leaks the microphone when it is stopped before it has a connection, and the lost connection when
   * it is stopped during a recovery.
   */
  override async _disconnect(): Promise<void> {
    await super._disconnect();
    await this.sound.disconnect();
    for (const connection of this.made.splice(0)) {
      connection.close();
    }
  }

  /** Close the microphone while it is not needed; enabling it opens it again. */
  rest(resting: boolean): void {
    if (resting) {
      this.sound.releaseMicrophone();
    }
  }

  /** Return how many packets have arrived. Audio packets arrive all the time, also during silence. */
  async arrived(): Promise<number | null> {
    const connection = this.made.at(-1);
    if (connection === undefined) {
      return null;
    }
    let count = 0;
    for (const report of (await connection.getStats()).values()) {
      const { type, packetsReceived, messagesReceived } = report as Record<string, unknown>;
      count += type === "inbound-rtp" ? Number(packetsReceived ?? 0) : 0;
      count += type === "data-channel" ? Number(messagesReceived ?? 0) : 0;
    }
    return count;
  }

  protected async attemptReconnection(recreate = false): Promise<void> {
    if (recreate && !this.mends) {
      this.onLine("broken");
      return;
    }
    await (SmallWebRTCTransport.prototype as unknown as Maker).attemptReconnection.call(this, recreate);
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
  attemptReconnection(this: WatchedTransport, recreate: boolean): Promise<void>;
}

export function peerTransport(
  sound: BrowserSound,
  onLine: (line: Line) => void,
  onSound: (track: MediaStreamTrack) => void,
  onNews: (news: SoundNews) => void,
): WatchedTransport {
  sound.onNews = onNews;
  const transport = new WatchedTransport(sound);
  transport.onLine = onLine;
  transport.onSound = onSound;
  return transport;
}
