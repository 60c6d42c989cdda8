/** Register the service worker, which has a page for the time when the service cannot be reached (public/worker.js). */
export function prepareOffline(): void {
  // Not in an insecure context; and after the page has loaded, which must not wait for it.
  if (navigator.serviceWorker) {
    const register = (): void => {
      navigator.serviceWorker.register("/worker.js", { updateViaCache: "none" }).catch(() => undefined);
    };
    addEventListener("load", register, { once: true });
  }
}
