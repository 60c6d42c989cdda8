import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

/** WCAG 2.2: 4.5 for text, 3 for large text and for controls. */
const WORDS = 4.5;
const SHAPES = 3;
const PAIRS: readonly (readonly [string, string, number])[] = [
  ...["sky-top", "sky-bottom", "surface"].flatMap((ground) => [
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
  ["chart", "surface", SHAPES],
  ["talk-ink", "talk-top", WORDS],
  ["talk-ink", "talk-bottom", WORDS],
  ["talk-bottom", "sky-top", SHAPES],
];

const css = readFileSync(new URL("../src/styles/tokens.css", import.meta.url), "utf8");

type Theme = "light" | "dark";

/** Read the tokens of a part of the file; opaque colours only, because a transparent one has no fixed contrast. */
function tokens(part: string, theme: Theme): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name, value] of part.matchAll(/--([\w-]+): ([^;]+);/g)) {
    const [, light, dark] = value?.match(/^light-dark\((#\w{6}), (#\w{6})\)$/) ?? [];
    const colour = value?.startsWith("#") ? value : theme === "light" ? light : dark;
    if (name && colour) {
      found.set(name, colour);
    }
  }
  return found;
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

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
