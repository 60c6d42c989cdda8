import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { dress } from "./agent/dress";
import { agentPage } from "./agent/page";
import { App } from "./app/App";
import { prepareOffline } from "./app/offline";
import { Call } from "./call/call";
import { loadEarly } from "./call/early";
import { rememberedTheme, showTheme } from "./controls/theme";
import { loadNotice } from "./notice/notice";
import { language, loadTexts } from "./texts/texts";
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
  void show(root);
}

/** Show the page in its agent's language. Not awaited at the top level: a chunk that imports this one would wait for it. */
async function show(place: HTMLElement): Promise<void> {
  const { language: wanted, texts } = agentPage();
  await loadTexts(wanted, texts);
  document.documentElement.lang = language();
  createRoot(place).render(
    <StrictMode>
      <App call={call} />
    </StrictMode>,
  );
}
