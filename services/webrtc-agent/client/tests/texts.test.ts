import { afterEach, expect, test, vi } from "vitest";
import { EN } from "../src/texts/en";
import {
  alternatives,
  counted,
  type Forms,
  type Key,
  known,
  language,
  loadTexts,
  type Texts,
  t,
} from "../src/texts/texts";

const LOADED = import.meta.glob<{ readonly TEXTS: Texts }>("../src/texts/??.ts", { eager: true });
const OTHERS = known()
  .filter((one) => one !== "en")
  .map((one) => [one, LOADED[`../src/texts/${one}.ts`]?.TEXTS as Texts] as const);
const KEYS = Object.keys(EN) as Key[];

/** Texts that are right as they are in English. */
const SAME: Readonly<Record<string, readonly Key[]>> = {
  de: ["device_number"],
  es: ["device_number"],
  fr: ["device_number", "conversation", "file_name", "over_minutes"],
  hi: ["device_number"],
  it: ["device_number"],
  pt: ["device_number"],
};
/** Words that are English wherever they are; names of products and of their menus are not among them. */
const ENGLISH = /\b(the|you|your|please|with|and|not|is|are|this|click|try)\b/i;

const forms = (text: string | Forms): readonly string[] =>
  typeof text === "string" ? [text] : Object.values(text as Forms);
const names = (text: string): readonly string[] =>
  [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name ?? "");
const sorted = (some: Iterable<string>): readonly string[] => [...new Set(some)].sort();

afterEach(async () => {
  vi.unstubAllGlobals();
  await loadTexts("en-US");
});

test.each(OTHERS)("%s has every text, none of them left in English", (short, texts) => {
  expect(Object.keys(texts).sort()).toEqual([...KEYS].sort());
  for (const key of KEYS) {
    for (const text of forms(texts[key])) {
      expect(text.trim(), key).toBe(text);
      expect(text, key).not.toBe("");
      expect(text, key).not.toMatch(ENGLISH);
    }
  }
  const same = KEYS.filter((key) => forms(texts[key]).some((text) => forms(EN[key]).includes(text)));
  expect(same.sort()).toEqual([...(SAME[short] ?? [])].sort());
});

test.each(OTHERS)("%s has the placeholders of the English texts", (_short, texts) => {
  for (const key of KEYS) {
    const other = texts[key];
    // A form for one may say "a minute"; the form for every other number needs the number.
    const full = typeof other === "string" ? other : other.other;
    expect(sorted(names(full)), key).toEqual(sorted(forms(EN[key]).flatMap(names)));
  }
});

test.each(OTHERS)("%s has forms that its plural rules use", (short, texts) => {
  for (const key of KEYS.filter((one) => typeof EN[one] !== "string")) {
    const type = key === "queue_position" ? "ordinal" : "cardinal";
    const { pluralCategories } = new Intl.PluralRules(short, { type }).resolvedOptions();
    expect(pluralCategories).toEqual(expect.arrayContaining(Object.keys(texts[key])));
  }
});

test.each(OTHERS)("%s writes a text as long as the English one, roughly", (_short, texts) => {
  const length = (some: Texts): number => KEYS.flatMap((key) => forms(some[key])).join("").length;
  expect(length(texts) / length(EN)).toBeGreaterThan(0.8);
  expect(length(texts) / length(EN)).toBeLessThan(1.4);
});

test("the service knows which texts an agent can replace, and their placeholders", async () => {
  const keys = Object.fromEntries(KEYS.map((key) => [key, sorted(forms(EN[key]).flatMap(names))]));
  // Renewed by `npx vitest run -u`.
  await expect(`${JSON.stringify(keys, null, 1)}\n`).toMatchFileSnapshot(
    "../../../../shared/agent_core/src/agent_core/agents/page_texts.json",
  );
});

test("a page speaks the language of its agent, with the agent's own words", async () => {
  await loadTexts("de-DE", {
    talk: "Los geht's",
    mute_tip: "Still ($key)",
    call_us: "Nur 5 $$:",
    nothing: "x",
    end: 3,
  });
  expect(language()).toBe("de-DE");
  expect(t("talk")).toBe("Los geht's");
  expect(t("mute_tip", { key: "M" })).toBe("Still (M)");
  expect(t("call_us")).toBe("Nur 5 $:");
  expect(t("end")).toBe("Beenden");
  expect(t("ai_operator", { operator: "Bäckerei $key" })).toContain("Bäckerei $key");
  expect(alternatives(["+46", "+49", "+47"])).toBe("+46, +49 oder +47");
  expect([1, 2].map((count) => counted("queue_minutes", count))).toEqual([
    "Etwa eine Minute",
    "Etwa 2 Minuten",
  ]);
  expect(counted("queue_position", 1200, "ordinal")).toBe("Ihr Platz in der Warteschlange: 1.200");
});

test("a replaced text is used for every number", async () => {
  await loadTexts("en-GB", { queue_minutes: "Soon, $count" });
  expect([1, 2].map((count) => counted("queue_minutes", count))).toEqual(["Soon, 1", "Soon, 2"]);
});

test("a page whose language cannot be loaded asks for a reload, and stays in English", async () => {
  const dispatched = vi.fn();
  vi.stubGlobal("dispatchEvent", dispatched);
  vi.doMock("../src/texts/it", () => {
    throw new Error("gone");
  });
  await loadTexts("it-IT", { talk: "Parla" });
  vi.doUnmock("../src/texts/it");
  expect([language(), t("talk")]).toEqual(["en", "Talk"]);
  expect(dispatched.mock.calls.map(([event]) => (event as Event).type)).toEqual(["outdated"]);
});

test("a language that the page does not have is English, and says so", async () => {
  await loadTexts("sv-SE");
  expect([language(), t("talk")]).toEqual(["en", "Talk"]);
});
