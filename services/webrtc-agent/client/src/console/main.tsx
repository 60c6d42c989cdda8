/** The developers' console; README.md explains why it is our own. */

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { dress } from "../agent/dress";
import { Call } from "../call/call";
import { rememberedTheme, showTheme } from "../controls/theme";
import { Console } from "./Console";
import { Watch } from "./watch";
import "../styles/index.css";
import "./console.css";

const call = new Call();
const watch = new Watch();
call.onClient = watch.follow;
showTheme(rememberedTheme());
dress();
addEventListener("pagehide", () => void call.hangUp());

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Console call={call} watch={watch} />
    </StrictMode>,
  );
}
