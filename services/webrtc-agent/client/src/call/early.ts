/** Load early what a conversation needs later: a deployment meanwhile takes the files of this page away. */

import { carrier } from "./start";

/** Once the page stands; nothing waits for it, and where it fails the conversation tries again. */
export function loadEarly(): void {
  addEventListener("load", () => void load().catch(() => undefined), { once: true });
}

async function load(): Promise<void> {
  if ((await carrier()) === "daily") {
    await import("./daily");
  }
}
