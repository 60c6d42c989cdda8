/** Compresses the built files once, so that the service does not compress per request. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const TEXT = /\.(css|html|js|json|svg|webmanifest)$/;
const MIN_BYTES = 1000;

/** Write `<file>.gz` and `<file>.br` beside every text file of a folder, if they are smaller. */
export function compressFolder(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      compressFolder(path);
    } else if (TEXT.test(entry.name)) {
      compressFile(path);
    }
  }
}

function compressFile(path: string): void {
  const content = readFileSync(path);
  if (content.length < MIN_BYTES) {
    return;
  }
  const compressed = { gz: gzipSync(content, { level: 9 }), br: brotliCompressSync(content) };
  for (const [ending, bytes] of Object.entries(compressed)) {
    if (bytes.length < content.length) {
      writeFileSync(`${path}.${ending}`, bytes);
    }
  }
}

/** Compress the output of a build. */
export function compress(): Plugin {
  let folder = "";
  return {
    name: "compress",
    apply: "build",
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    writeBundle: { order: "post", sequential: true, handler: () => compressFolder(folder) },
  };
}
