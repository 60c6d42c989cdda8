import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { contrast, tokens } from "../../../../services/webrtc-agent/client/tests/contrast";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const [usual = "", more = ""] = read("../weather.css").split("@media (prefers-contrast: more)");
const page = read("../../../../services/webrtc-agent/client/src/styles/tokens.css");

test.each(["light", "dark"] as const)("the line of the chart can be seen in %s", (theme) => {
  const surface = tokens(page, theme).get("surface") ?? "";
  for (const part of [usual, more]) {
    expect(contrast(tokens(part, theme).get("chart") ?? "", surface)).toBeGreaterThanOrEqual(3);
  }
});
