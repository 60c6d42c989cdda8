// In the place of react-native, its WebRTC and React, which React Native's transport imports and a browser has its own of.
export const { RTCPeerConnection, MediaStream } = globalThis;
export const [RTCView, View, Platform, Fragment] = [null, null, {}, null];
export const [jsx, jsxs, useEffect, useState] = [() => null, () => null, () => undefined, (first) => [first, () => null]];
