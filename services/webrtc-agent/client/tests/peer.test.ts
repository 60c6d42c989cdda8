import { SmallWebRTCTransport } from "@pipecat-ai/small-webrtc-transport";
import { expect, test } from "vitest";
import { connectionParameters } from "../src/call/connecting";
import { loudness } from "../src/media/level";

test("the transport still makes its connections in the method that tells us when one wavers", () => {
  expect(Object.getOwnPropertyNames(SmallWebRTCTransport.prototype)).toContain("createPeerConnection");
});

test("a peer connection is offered to the session that was started, with the servers it named", () => {
  Object.assign(globalThis, { location: new URL("https://agent.example/") });
  const iceServers = [{ urls: "stun:stun.example" }];
  expect(connectionParameters({ transport: "webrtc", session: "a b", iceServers, resume: null })).toEqual({
    webrtcRequestParams: { endpoint: "https://agent.example/sessions/a%20b/api/offer" },
    iceConfig: { iceServers },
  });
});

test("Daily gets the room and the visitor's token", () => {
  const started = {
    transport: "daily",
    session: null,
    room: "https://team.daily.co/room",
    token: "t",
    resume: null,
  } as const;
  expect(connectionParameters(started)).toEqual({ url: "https://team.daily.co/room", token: "t" });
});

test("loudness is even to the eye: silence is 0, full scale 1, -30 dB half", () => {
  const sound = (level: number): number => loudness(new Float32Array(64).fill(level));
  expect(sound(0)).toBe(0);
  expect(sound(1)).toBeCloseTo(1);
  expect(sound(10 ** (-30 / 20))).toBeCloseTo(0.5);
});
