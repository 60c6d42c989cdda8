// Replaces the bundle that Daily's library loads from c.daily.co, as far as the library needs it up to a join: it
// answers each request, reports no devices, and records each join request.
globalThis.callMachine = { asked: [], joins: [] };
window.addEventListener("message", ({ data }) => {
  if (data?.what !== "iframe-call-message" || data.from !== "module") {
    return;
  }
  const { action, callClientId, callbackStamp, properties } = data;
  globalThis.callMachine.asked.push(action);
  if (action === "join-meeting") {
    globalThis.callMachine.joins.push({ url: properties.url, token: properties.token });
  }
  if (callbackStamp) {
    const answer = { camera: {}, mic: {}, speaker: {}, devices: [] };
    window.postMessage({ what: data.what, from: "embedded", action: "answered", callClientId, callbackStamp, ...answer });
  }
});
