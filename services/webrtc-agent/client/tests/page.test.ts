import { expect, test } from "vitest";
import { readPage } from "../src/agent/page";

const WHOLE = {
  id: "restaurant",
  name: "Bella Cucina",
  title: "Bella Cucina, tables",
  welcome: "Book a table.",
  placeholder: "Type to the restaurant",
  questions: ["When are you open?"],
  language: "it-IT",
  texts: { talk: "Parla con noi" },
};

test("a description is read as the service wrote it", () => {
  const colors = { accent: "#B3261E", accent_dark: "#ffb4ab" };
  expect(readPage(JSON.stringify({ ...WHOLE, colors }))).toEqual({
    ...WHOLE,
    colors: { accent: "#b3261e", accentDark: "#ffb4ab" },
  });
});

test("a page without a description, or with a damaged one, still works", () => {
  for (const text of [
    undefined,
    null,
    "",
    "{}",
    "null",
    "{",
    "[]",
    '{"title": 3, "questions": "no", "colors": 1}',
  ]) {
    expect(readPage(text)).toMatchObject({ id: "", title: "Voice agent", questions: [], colors: null });
  }
  expect(readPage('{"name": "Clinic", "questions": ["a", 1, " "]}')).toMatchObject({
    title: "Clinic",
    questions: ["a"],
  });
});

test.each([
  [{ accent: "#112233" }, { accent: "#112233", accentDark: "#112233" }],
  [
    { accent: "red", accent_dark: "#112233" },
    { accent: "#112233", accentDark: "#112233" },
  ],
  [{ accent: "#1;color:red" }, null],
])("colours %j are %j", (colors, read) => {
  expect(readPage(JSON.stringify({ colors })).colors).toEqual(read);
});
