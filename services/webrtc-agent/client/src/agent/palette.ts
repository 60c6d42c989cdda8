/** The page's colours from an agent's accent colours, each with enough contrast for what it is used for. No I/O. */

import type { Colors } from "./page";

/** WCAG 2.2 asks for 4.5; a little more, because rounding to 8 bits may lose some. */
const READABLE = 4.6;
/** For controls and large text it asks for 3. */
const VISIBLE = 3.1;

type Rgb = readonly [red: number, green: number, blue: number];
/** One colour for the light theme and one for the dark. */
type Pair = readonly [light: string, dark: string];
export type Tokens = Readonly<Record<string, string>>;

const WHITE = "#ffffff";
const BLACK = "#000000";

/**
 * Return the custom properties that replace those of `styles/tokens.css`.
 *
 * @returns `accents` hold always. `grounds` only tint backgrounds and words, and yield to a visitor who wants more contrast.
 */
export function palette({ accent, accentDark }: Colors): {
  readonly accents: Tokens;
  readonly grounds: Tokens;
} {
  const grounds = groundsOf(accent, accentDark);
  const [top, bottom, surface] = [grounds["page-top"], grounds["page-bottom"], grounds.surface];
  // Also on the untinted backgrounds, which a visitor who wants more contrast gets.
  const light = readable(accent, [top[0], bottom[0], surface[0], "#dcebfa"], READABLE);
  const dark = readable(accentDark, [top[1], bottom[1], surface[1], "#1a2540"], READABLE);
  // White words stand on it in both themes; it is not so dark that it vanishes on a dark page.
  const own = readable(accent, [WHITE], READABLE);
  const talk = standingOut(own, top[1]);
  const lit = lightest(talk);
  return {
    accents: written({
      accent: [light, dark],
      "accent-ink": [inkOn(light), inkOn(dark)],
      own: [own, own],
      "orb-one": [brighter(light, 0.28), brighter(talk, 0.25)],
      "orb-two": [light, talk],
      "talk-top": [lit, lit],
      "talk-bottom": [own, talk],
      "talk-shadow": [mixed(light, WHITE, 0.55), BLACK],
    }),
    grounds: written(grounds),
  };
}

/** Return backgrounds and words that carry a trace of the accent. The shares are small, so that contrasts stay. */
function groundsOf(accent: string, dark: string) {
  return {
    "page-top": [mixed(WHITE, accent, 0.11), mixed("#0c0d11", dark, 0.04)],
    "page-bottom": [mixed("#fdfaf5", accent, 0.03), mixed("#15161b", dark, 0.06)],
    surface: [WHITE, mixed("#1d1e24", dark, 0.06)],
    "surface-soft": [mixed(WHITE, accent, 0.02), mixed("#202128", dark, 0.06)],
    "card-top": [WHITE, mixed("#26272f", dark, 0.07)],
    "card-bottom": [mixed(WHITE, accent, 0.05), mixed("#1d1e24", dark, 0.06)],
    edge: [mixed("#e4e3e6", accent, 0.09), mixed("#34353d", dark, 0.1)],
    "edge-strong": [mixed("#77767e", accent, 0.06), mixed("#8e8e98", dark, 0.06)],
    ink: [mixed("#17171b", accent, 0.05), mixed("#f1f1f4", dark, 0.05)],
    "ink-soft": [mixed("#4d4d55", accent, 0.06), mixed("#b9b9c3", dark, 0.08)],
    "ink-dim": [mixed("#58585f", accent, 0.05), mixed("#9a9aa4", dark, 0.06)],
  } as const satisfies Readonly<Record<string, Pair>>;
}

const written = (pairs: Readonly<Record<string, Pair>>): Tokens =>
  Object.fromEntries(
    Object.entries(pairs).map(([name, [light, dark]]) => [`--${name}`, `light-dark(${light}, ${dark})`]),
  );

/** Return a colour darkened or lightened as little as needed to reach a contrast on each of some grounds. */
export function readable(color: string, grounds: readonly string[], least: number): string {
  const isEnough = (candidate: string): boolean =>
    grounds.every((ground) => contrast(candidate, ground) >= least);
  const target = grounds.every((ground) => luminance(ground) > 0.18) ? BLACK : WHITE;
  for (let share = 0; share < 1; share += 0.04) {
    const candidate = mixed(color, target, share);
    if (isEnough(candidate)) {
      return candidate;
    }
  }
  return target;
}

/** Return a background for white words that also stands out from the dark page, if both are possible. */
function standingOut(color: string, ground: string): string {
  const lighter = shades(color).filter((one) => contrast(one, WHITE) >= READABLE);
  return lighter.find((one) => contrast(one, ground) >= VISIBLE) ?? lighter.at(-1) ?? color;
}

/** Return the lightest shade of a colour, up to a fifth, on which white words are readable. */
const lightest = (color: string): string =>
  shades(color)
    .slice(0, 10)
    .findLast((one) => contrast(one, WHITE) >= READABLE) ?? color;

/** Return a colour and lighter ones, in steps of a fiftieth. */
const shades = (color: string): readonly string[] =>
  Array.from({ length: 50 }, (_, step) => mixed(color, WHITE, step / 50));

/** Return a colour with more light and the same hue, as strong as before: a mixture with white would be pale. */
export function brighter(color: string, by: number): string {
  const rgb = parts(color);
  const [most, least] = [Math.max(...rgb), Math.min(...rgb)];
  const light = (most + least) / 510;
  const target = Math.max(light, Math.min(0.82, light + by));
  // Scaling the distance from grey keeps hue and saturation in the HSL model.
  const room = (at: number): number => 1 - Math.abs(2 * at - 1);
  const scale = room(light) === 0 ? 0 : room(target) / room(light);
  const lit = rgb.map((part) => Math.round((target + (part / 255 - light) * scale) * 255));
  return `#${lit.map((part) => Math.min(255, Math.max(0, part)).toString(16).padStart(2, "0")).join("")}`;
}

const inkOn = (ground: string): string =>
  contrast(WHITE, ground) >= contrast("#16161a", ground) ? WHITE : "#16161a";

/** Return a mixture of two colours; `share` of the second. */
export function mixed(one: string, other: string, share: number): string {
  const [from, to] = [parts(one), parts(other)];
  const mix = from.map((value, at) => Math.round(value + ((to[at] ?? value) - value) * share));
  return `#${mix.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

function parts(color: string): Rgb {
  const value = Number.parseInt(color.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** Return the relative luminance of WCAG 2.2. */
function luminance(color: string): number {
  const linear = parts(color).map((part) =>
    part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
  );
  const [red = 0, green = 0, blue = 0] = linear;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
