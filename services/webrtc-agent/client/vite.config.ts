/// <reference types="vitest/config" />
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { budget } from "./tools/budget.ts";
import { compress } from "./tools/compress.ts";

const FIRST_LOAD_KB = 200;

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * The peer-to-peer transport imports Daily's whole SDK (67 kB compressed) for a media manager that fetches its code
 * from Daily's servers. We pass our own media manager, so that import gets an empty module; Daily's own transport,
 * in a separate chunk, still gets the real one.
 */
const peerWithoutDaily: Plugin = {
  name: "peer-without-daily",
  enforce: "pre",
  resolveId: (source, importer) =>
    source === "@daily-co/daily-js" && importer?.includes("small-webrtc-transport")
      ? here("src/media/no-daily.ts")
      : null,
};

export default defineConfig({
  resolve: {
    // The cards of the agents are outside of this folder: they import the page as `@page`, and use its React.
    alias: { "@page": here("src") },
    dedupe: ["react", "react-dom"],
  },
  // The tests cover stateless functions; starting a worker for each file would take longer than running them.
  test: { isolate: false, include: ["tests/**/*.test.ts", "../../../agents/*/page/tests/*.test.ts"] },
  plugins: [peerWithoutDaily, react(), budget("index.html", FIRST_LOAD_KB), compress()],
  // A worklet or an icon inlined as data: would need exceptions in the content security policy.
  build: {
    outDir: here("../src/webrtc_agent/static"),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1500,
    rolldownOptions: { input: { index: here("index.html"), console: here("console.html") } },
  },
  server: {
    fs: { allow: [here("."), here("../../../agents")] },
    proxy: Object.fromEntries(
      ["/start", "/sessions", "/status", "/api", "/call-me"].map((path) => [path, target()]),
    ),
  },
});

/** The service that `npm run dev` calls. */
function target(): string {
  return process.env.WEBRTC_AGENT_URL ?? "http://127.0.0.1:7862";
}
