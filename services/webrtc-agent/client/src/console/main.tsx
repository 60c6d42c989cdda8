/** The console of Pipecat's voice-ui-kit, for developers: every event, metric and tool call of a session. */

import { ConsoleTemplate, FullScreenContainer, ThemeProvider } from "@pipecat-ai/voice-ui-kit";
import "@pipecat-ai/voice-ui-kit/styles";
import { createRoot } from "react-dom/client";
import { DAILY_OPTIONS } from "../call/daily-options";
import { type Carrier, carrier } from "../call/start";
import { BrowserSound } from "../media/sound";

const PEER = { mediaManager: new BrowserSound() as never };
const DAILY = DAILY_OPTIONS;

const START = {
  webrtc: { endpoint: new URL("/start", location.href).href, requestData: { transport: "webrtc" } },
  daily: {
    endpoint: new URL("/start", location.href).href,
    requestData: { transport: "daily", createDailyRoom: true },
  },
};

// All of these stay the same objects: the kit starts a new client whenever one is another than before.
function Console({ by }: { by: Carrier }) {
  const daily = by === "daily";
  return (
    <ThemeProvider>
      <FullScreenContainer>
        <ConsoleTemplate
          titleText="Weather by voice: console"
          transportType={daily ? "daily" : "smallwebrtc"}
          transportOptions={daily ? DAILY : PEER}
          startBotParams={START[by]}
          noAutoInitDevices
          noUserVideo
          noScreenControl
          noBotVideo
        />
      </FullScreenContainer>
    </ThemeProvider>
  );
}

// The kit's own parts; public/recover.js reloads.
addEventListener("vite:preloadError", () => dispatchEvent(new Event("outdated")));

const root = document.getElementById("root");
if (root) {
  const by = await carrier().catch((): Carrier => "webrtc");
  createRoot(root).render(<Console by={by} />);
}
