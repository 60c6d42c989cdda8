// Bundles client.js once for each pair: what it imports is looked for beside the pair's own package.json, so that every
// bundle holds the two versions that its lock names.
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const folders = [join(here, "pairs"), join(here, "../web-rest/pairs")];
const wanted = new Set(process.env.PAIRS.split(" "));
const pairs = Object.fromEntries(
  folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => wanted.has(name))
      .map((name) => [name, join(folder, name, "package.json")]),
  ),
);

const DEVICE = /^(react|react\/jsx-runtime|react-native|@daily-co\/react-native-webrtc)$/;

const ofPair = {
  name: "of-pair",
  enforce: "pre",
  resolveId(source, importer) {
    if (source.startsWith("pair:")) {
      return `${join(here, "client.js")}?${source}`;
    }
    if (DEVICE.test(source)) {
      return join(here, "device.js");
    }
    if (source === "events") {
      // The transport imports what only the client declares: an app's npm puts both into one folder.
      const [home] = importer?.match(/^.*\/pairs\/[^/]+\//) ?? [here];
      return this.resolve("events/", join(home, "node_modules/@pipecat-ai/client-js/package.json"), { skipSelf: true });
    }
    const pair = importer?.split("?pair:")[1];
    if (!pair || !source.startsWith("@pipecat-ai/")) {
      return null;
    }
    return pair.includes("+rn-") && source.endsWith("/small-webrtc-transport")
      ? `${join(here, "telephone.js")}?pair:${pair}`
      : this.resolve(source, pairs[pair], { skipSelf: true });
  },
};

export default {
  root: here,
  base: "./",
  logLevel: "warn",
  plugins: [ofPair],
  build: {
    minify: false,
    modulePreload: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 10_000,
    rolldownOptions: {
      // React Native's transport imports types as if they were values; its own bundler drops them.
      shimMissingExports: true,
      input: Object.fromEntries(Object.keys(pairs).map((name) => [name, `pair:${name}`])),
      output: { entryFileNames: "[name].js", chunkFileNames: "chunks/[hash].js" },
    },
  },
};
