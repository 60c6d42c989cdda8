import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { brighter, mixed, palette } from "../src/agent/palette";
import { contrast, tokens } from "./contrast";

/** WCAG 2.2: 4.5 for text, 3 for large text and for controls. */
const WORDS = 4.5;
const SHAPES = 3;
const PAIRS: readonly (readonly [string, string, number])[] = [
  ...["page-top", "page-bottom", "surface"].flatMap((ground) => [
    ["ink", ground, WORDS] as const,
    ["ink-soft", ground, WORDS] as const,
    ["ink-dim", ground, WORDS] as const,
    ["danger", ground, WORDS] as const,
    ["accent", ground, WORDS] as const,
    ["edge-strong", ground, SHAPES] as const,
  ]),
  ["accent-ink", "accent", WORDS],
  ["own-ink", "own", WORDS],
  ["ink", "warm", WORDS],
  ["ink-soft", "warm", WORDS],
  ["ink", "spoken", WORDS],
  ["accent", "card-bottom", WORDS],
  ["ink-soft", "card-bottom", WORDS],
  ["ink", "card-top", WORDS],
  ["talk-ink", "talk-top", WORDS],
  ["talk-ink", "talk-bottom", WORDS],
  ["talk-bottom", "page-top", SHAPES],
];

const css = readFileSync(new URL("../src/styles/tokens.css", import.meta.url), "utf8");

const [usual = "", more = ""] = css.split("@media (prefers-contrast: more)");

describe.each(["light", "dark"] as const)("in %s", (theme) => {
  const plain = tokens(usual, theme);
  const strong = new Map([...plain, ...tokens(more, theme)]);
  it.each([
    ["as usual", plain],
    ["with more contrast", strong],
  ] as const)("everything can be read %s", (_name, known) => {
    const weak = PAIRS.flatMap(([front, ground, least]) => {
      const reached = contrast(known.get(front) ?? "#000000", known.get(ground) ?? "#000000");
      return reached < least ? [`${front} on ${ground}: ${reached.toFixed(2)}, needs ${least}`] : [];
    });
    expect(weak).toEqual([]);
  });
});

/** From no light to all of each channel: an agent's colours are whatever its author likes. */
const LEVELS = ["00", "40", "80", "c0", "ff"];
const COLORS = LEVELS.flatMap((red) =>
  LEVELS.flatMap((green) => LEVELS.map((blue) => `#${red}${green}${blue}`)),
);

describe.each(["light", "dark"] as const)("in an agent's colours, in %s", (theme) => {
  it.each(["as usual", "with more contrast"])("everything can be read %s", (look) => {
    const weak = COLORS.flatMap((accent, at) => {
      const { accents, grounds } = palette({ accent, accentDark: COLORS.at(-1 - at) ?? accent });
      const own = Object.entries(look === "as usual" ? { ...accents, ...grounds } : accents);
      const css = own.map(([name, value]) => `${name}: ${value};`).join(" ");
      const known = new Map([
        ...tokens(usual, theme),
        ...(look === "as usual" ? [] : tokens(more, theme)),
        ...tokens(css, theme),
      ]);
      // The button to talk is large and has its word on it, so it need not stand out by its colour.
      return PAIRS.filter(([front, ground]) => !(front === "talk-bottom" && ground === "page-top")).flatMap(
        ([front, ground, least]) => {
          const reached = contrast(known.get(front) ?? "", known.get(ground) ?? "");
          return reached >= least ? [] : [`${accent}: ${front} on ${ground}: ${reached.toFixed(2)}`];
        },
      );
    });
    expect(weak).toEqual([]);
  });
});

it("a brighter colour keeps its hue", () => {
  expect(brighter("#800000", 0.25)).toBe("#ff0000");
  expect(brighter("#000000", 0.5)).toBe("#808080");
  expect(brighter("#ffffff", 0.5)).toBe("#ffffff");
});

it("a mixture is between its colours", () => {
  expect(mixed("#000000", "#ffffff", 0.5)).toBe("#808080");
  expect(mixed("#123456", "#ffffff", 0)).toBe("#123456");
});
