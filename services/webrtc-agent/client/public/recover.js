/**
 * Reloads a page whose files are of another version than itself, which happens while a deployment replaces the tasks.
 * Its name is the same in every version; see docs/decisions/0011.
 */
(() => {
  const KEY = "reloads";
  const MOST = 3;
  const WINDOW_MS = 60_000;
  let reloading = false;

  /** Count one more reload, if it may be made; a browser without storage would reload forever. */
  function mayReload() {
    try {
      const now = Date.now();
      const recent = JSON.parse(sessionStorage.getItem(KEY) ?? "[]").filter((at) => now - at < WINDOW_MS);
      if (recent.length >= MOST) {
        return false;
      }
      sessionStorage.setItem(KEY, JSON.stringify([...recent, now]));
      return true;
    } catch {
      return false;
    }
  }

  function recover() {
    if (reloading) {
      return true;
    }
    reloading = mayReload();
    if (reloading) {
      location.reload();
    }
    return reloading;
  }

  function explain() {
    const root = document.getElementById("root");
    if (root && !root.hasChildNodes()) {
      root.setAttribute("role", "alert");
      root.textContent =
        description().incomplete ?? "This page could not be loaded completely. Please reload it in a minute.";
    }
  }

  /** Return what the service says about the page's agent, which includes our sentence in its language. */
  function description() {
    try {
      return JSON.parse(document.getElementById("agent").textContent);
    } catch {
      return {};
    }
  }

  // A missing script or style; such events do not bubble, and links include icons, which the page does not need.
  addEventListener(
    "error",
    ({ target }) => {
      const style = target instanceof HTMLLinkElement && target.rel === "stylesheet";
      if ((target instanceof HTMLScriptElement || style) && !recover()) {
        document.readyState === "loading" ? addEventListener("DOMContentLoaded", explain) : explain();
      }
    },
    true,
  );
  // The page needs a missing part now; where a reload is not allowed, the page shows a message.
  addEventListener("outdated", () => void recover());
})();
