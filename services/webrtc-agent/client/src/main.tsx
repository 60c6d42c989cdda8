import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { dress } from "./agent/dress";
import { App } from "./app/App";
import { prepareOffline } from "./app/offline";
import { Call } from "./call/call";
import { loadEarly } from "./call/early";
import { rememberedTheme, showTheme } from "./controls/theme";
import { loadNotice } from "./notice/notice";
import "./styles/index.css";

const call = new Call();
showTheme(rememberedTheme());
dress();
loadEarly();
prepareOffline();
void loadNotice();
// Close the connection when the page is left; otherwise the service waits 12 s for it. The page may be loaded again.
addEventListener("pagehide", () => call.leave());
addEventListener("pageshow", () => void call.restore());

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App call={call} />
    </StrictMode>,
  );
}
