/** Shows the page in any state without a call: `npm run dev`, then /dev/gallery.html?state=speaking&theme=dark. */

import { createRoot } from "react-dom/client";
import { App } from "../src/app/App";
import type { Call } from "../src/call/call";
import { showTheme, type Theme } from "../src/controls/theme";
import { STATES } from "./states";
import "../src/styles/index.css";

const asked = new URLSearchParams(location.search);
const state = STATES[asked.get("state") ?? "before"] ?? STATES.before;
showTheme((asked.get("theme") ?? "system") as Theme);

const nothing = (): void => undefined;
const call = {
  subscribe: () => nothing,
  snapshot: () => state,
  talk: nothing,
  open: nothing,
  type: nothing,
  again: nothing,
  mute: nothing,
  silence: nothing,
  addMicrophone: nothing,
  pushToTalk: nothing,
  hold: nothing,
  voice: nothing,
  dismiss: nothing,
  showItems: nothing,
  hangUp: nothing,
} as unknown as Call;

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(<App call={call} />);
}
