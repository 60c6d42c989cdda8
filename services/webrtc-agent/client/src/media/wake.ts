/** Moments at which a browser may restore audio that the system stopped. */

const GESTURES = ["pointerdown", "touchend", "click", "keydown"] as const;

/**
 * Call a function at each of them: a touch or a key, the page visible again, a device change.
 *
 * @returns A function that stops it.
 */
export function onWake(then: () => void): () => void {
  const ending = new AbortController();
  const options = { signal: ending.signal, capture: true, passive: true };
  for (const gesture of GESTURES) {
    document.addEventListener(gesture, then, options);
  }
  document.addEventListener(
    "visibilitychange",
    () => document.visibilityState === "visible" && then(),
    options,
  );
  window.addEventListener("focus", then, options);
  window.addEventListener("pageshow", then, options);
  navigator.mediaDevices?.addEventListener("devicechange", then, options);
  return () => ending.abort();
}
