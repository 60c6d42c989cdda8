/** Preload what a conversation needs later: a deployment in between removes the files of this page. */

import { loadCards } from "../agent/cards";
import { carrier } from "./start";

/** Starts when the page is shown. Nothing waits for it; if it fails, the conversation loads the files again. */
export function loadEarly(): void {
  addEventListener("load", () => void load().catch(() => undefined), { once: true });
}

async function load(): Promise<void> {
  void loadCards();
  if ((await carrier()) === "daily") {
    await import("./daily");
  }
}
