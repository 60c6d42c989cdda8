import type { Rolldown } from "vite";
import { expect, test } from "vitest";
import { firstLoad, weigh } from "../tools/budget.ts";

const chunk = (fileName: string, imports: string[], page?: string) => ({
  type: "chunk",
  fileName,
  code: "x".repeat(1000),
  imports,
  facadeModuleId: page ? `/client/${page}` : null,
  viteMetadata: { importedCss: new Set(page ? ["index.css"] : []) },
});
const BUNDLE = {
  "index.html": { type: "asset", source: "<html>" },
  "index.css": { type: "asset", source: "a{}" },
  "index.js": chunk("index.js", ["react.js"], "index.html"),
  "react.js": chunk("react.js", ["index.js"]),
  "console.js": chunk("console.js", ["react.js"], "console.html"),
} as unknown as Rolldown.OutputBundle;

test("a first load is the page, its styles, its script and all that this imports; no other page's", () => {
  expect(firstLoad("index.html", BUNDLE).sort()).toEqual(["index.css", "index.html", "index.js", "react.js"]);
});

test("files are weighed compressed", () => {
  expect(weigh(["index.js"], BUNDLE)).toBeLessThan(0.1);
});
