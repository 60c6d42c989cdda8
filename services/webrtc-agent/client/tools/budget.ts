/** Measures the size of a visitor's first load, and fails the build over the limit. */

import { gzipSync } from "node:zlib";
import type { Plugin, Rolldown } from "vite";

type Bundle = Rolldown.OutputBundle;

/** Return every file that a page loads before use: itself, its scripts with their imports, its styles. */
export function firstLoad(page: string, bundle: Bundle): string[] {
  const files = new Set([page]);
  const visit = (name: string): void => {
    const chunk = bundle[name];
    if (chunk?.type !== "chunk" || files.has(name)) {
      return;
    }
    files.add(name);
    for (const style of chunk.viteMetadata?.importedCss ?? []) {
      files.add(style);
    }
    chunk.imports.map(visit);
  };
  const entry = Object.values(bundle).find(
    (one) => one.type === "chunk" && one.facadeModuleId?.endsWith(`/${page}`),
  );
  if (entry) {
    visit(entry.fileName);
  }
  return [...files];
}

/** Return the compressed size of some files, in kB (1000 bytes). */
export function weigh(files: readonly string[], bundle: Bundle): number {
  const bytes = files.map((name) => {
    const file = bundle[name];
    return file ? gzipSync(file.type === "chunk" ? file.code : file.source).length : 0;
  });
  return bytes.reduce((sum, one) => sum + one, 0) / 1000;
}

/** Fail if a page is over a limit, in kB compressed. */
export function budget(page: string, limit: number): Plugin {
  return {
    name: "budget",
    enforce: "post",
    writeBundle(_options, bundle) {
      const files = firstLoad(page, bundle);
      const weight = weigh(files, bundle);
      this.info(`${page} loads ${files.length} files, ${weight.toFixed(1)} of ${limit} kB compressed`);
      if (weight > limit || files.length < 3) {
        this.error(`${page} weighs ${weight.toFixed(1)} kB: ${files.join(", ")}`);
      }
    },
  };
}
