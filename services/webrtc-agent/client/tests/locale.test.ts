import { expect, test } from "vitest";
import { formatsFor } from "../src/locale/locale";

test.each([
  [["en-US"], "en-US", "3 PM", "4:05 PM"],
  [["en"], "en-US", "3 PM", "4:05 PM"],
  [["en-GB"], "en-GB", "15:00", "16:05"],
  [["de"], "de-DE", "15:00", "16:05"],
  [["sv-SE", "en-US"], "sv-SE", "15:00", "16:05"],
  [["ja-JP"], "ja-JP", "15:00", "16:05"],
  [["not a language", "fr-CA"], "fr-CA", "15:00", "16:05"],
  [[], "en-US", "3 PM", "4:05 PM"],
])("%j is %s", (languages, tag, hour, clock) => {
  const formats = formatsFor(languages);
  // Some versions of the Unicode data have a narrow space before PM.
  const plain = (text: string) => text.replace(/\s/gu, " ");
  expect([formats.tag, plain(formats.hour(15)), plain(formats.clock("16:05"))]).toEqual([tag, hour, clock]);
});

test("midnight is no twenty-four o'clock", () => {
  expect(formatsFor(["sv-SE"]).clock("00:15")).toBe("00:15");
  expect(formatsFor(["en-US"]).clock("00:15").replace(/\s/gu, " ")).toBe("12:15 AM");
});

test.each([
  // The page's language, the browser's languages: the time, the day and a number.
  ["de-DE", ["de-AT"], "16:05", "Dienstag, 24. November", "1 234,5"],
  ["de-DE", ["en-US"], "16:05", "Dienstag, 24. November", "1.234,5"],
  ["fr-FR", ["en-US", "fr-CA"], "16 h 05", "mardi 24 novembre", "1 234,5"],
  ["hi-IN", ["de-DE"], "4:05 pm", "मंगलवार, 24 नवंबर", "1,234.5"],
  ["en-GB", ["en-US"], "4:05 PM", "Tuesday, November 24", "1,234.5"],
])("a %s page formats like its own language, for %j", (page, languages, clock, day, number) => {
  const formats = formatsFor(languages, page);
  const plain = (text: string) => text.replace(/\s/gu, " ");
  expect([formats.clock("16:05"), formats.day("2026-11-24"), formats.number(1234.5)].map(plain)).toEqual([
    clock,
    day,
    number,
  ]);
  expect(formats.tag).toBe(languages[0]);
});
