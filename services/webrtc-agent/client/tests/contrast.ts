/** Contrast between the tokens of a style sheet, computed apart from the page's own palette. */

export type Theme = "light" | "dark";

/** Read the tokens of a part of the file; opaque colours only, because a transparent one has no fixed contrast. */
export function tokens(part: string, theme: Theme): Map<string, string> {
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

export function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
