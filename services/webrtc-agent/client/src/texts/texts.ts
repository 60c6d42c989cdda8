/** The page's own texts in its agent's language. What an agent says itself is in its description (`agent/page`). */

import { EN } from "./en";

/** One form for each plural rule that a language has. */
export type Forms = { readonly other: string } & Partial<Readonly<Record<Intl.LDMLPluralRule, string>>>;

/** Every language has every key: a missing one is a type error. */
export type Texts = {
  readonly [Key in keyof typeof EN]: (typeof EN)[Key] extends string ? string : Forms;
};
export type Key = keyof Texts;
/** Keys of the texts that depend on a number. */
export type CountedKey = { [One in Key]: Texts[One] extends string ? never : One }[Key];
export type PlainKey = Exclude<Key, CountedKey>;

/** The names in a text, so that a value which is missing is a type error, too. */
type Names<Text> = Text extends `${string}\${${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type Values<One extends PlainKey> = Names<(typeof EN)[One]>;
type Given<One extends PlainKey> = [Values<One>] extends [never]
  ? []
  : [values: Readonly<Record<Values<One>, string | number>>];

/** Each language is a chunk of its own: a page loads only that of its agent. English is in the page, for when it fails. */
const LANGUAGES: Readonly<Record<string, () => Promise<{ readonly TEXTS: Texts }>>> = {
  de: () => import("./de"),
  es: () => import("./es"),
  fr: () => import("./fr"),
  hi: () => import("./hi"),
  it: () => import("./it"),
  pt: () => import("./pt"),
};
/** A page without its language's texts is of more use than none. */
const PATIENCE_MS = 8000;
/** `${name}` as in our own texts, or `$name` as in an agent's `sentences.yaml`; `$$` is a dollar sign. */
const PLACEHOLDER = /\$(?:\$|\{(\w+)\}|(\w+))/g;

const ENGLISH: { readonly language: string; readonly texts: Texts } = { language: "en", texts: EN };
let current = ENGLISH;

/** Return the language of the texts, as in `de-DE`; `en` until another one has been loaded. */
export const language = (): string => current.language;

/** Return the languages that the page has. */
export const known = (): readonly string[] => ["en", ...Object.keys(LANGUAGES)];

/** Use the texts of a language, and what an agent words differently. English stays where its chunk cannot be loaded. */
export async function loadTexts(tag: string, own: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const short = tag.split("-")[0] ?? "en";
  const load = LANGUAGES[short];
  const loaded = load ? await within(PATIENCE_MS, load()) : { TEXTS: EN };
  if (loaded === null) {
    current = ENGLISH;
    // Most often the chunk of a removed version; recover.js reloads the page where it may.
    dispatchEvent(new Event("outdated"));
    return;
  }
  current = {
    language: load || short === "en" ? tag : "en",
    texts: { ...loaded.TEXTS, ...replaced(loaded.TEXTS, own) },
  };
}

/** Return a text, with its placeholders filled in. */
export function t<One extends PlainKey>(key: One, ...[values]: Given<One>): string {
  return filled(current.texts[key] as string, values ?? {});
}

/** Return the form of a text for a number: of things, or (`ordinal`) of a place in an order. */
export function counted(key: CountedKey, count: number, type: Intl.PluralRuleType = "cardinal"): string {
  const forms = current.texts[key];
  const form = forms[new Intl.PluralRules(current.language, { type }).select(count)];
  return filled(form ?? forms.other, { count });
}

/** Return some alternatives as one phrase: "+46 or +49". */
export const alternatives = (items: readonly string[]): string =>
  new Intl.ListFormat(current.language, { type: "disjunction" }).format(items);

/** Return a share: "80%", or "80 %". */
export const percent = (share: number): string =>
  new Intl.NumberFormat(current.language, { style: "percent" }).format(share);

function filled(text: string, values: Readonly<Record<string, string | number>>): string {
  const written = (value: string | number | undefined): string =>
    typeof value === "number" ? new Intl.NumberFormat(current.language).format(value) : (value ?? "");
  return text.replace(PLACEHOLDER, (found, braced?: string, bare?: string) =>
    found === "$$" ? "$" : written(values[braced ?? bare ?? ""]),
  );
}

/** Return what replaces some texts. The service has checked it, but perhaps against the keys of another version. */
const replaced = (texts: Texts, own: Readonly<Record<string, unknown>>): Partial<Texts> =>
  Object.fromEntries(
    Object.entries(own)
      .filter(([key, text]) => key in texts && typeof text === "string")
      .map(([key, text]) => [key, typeof texts[key as Key] === "string" ? text : { other: text }]),
  );

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), milliseconds);
  });
  try {
    return await Promise.race([work.catch(() => null), late]);
  } finally {
    clearTimeout(timer);
  }
}
