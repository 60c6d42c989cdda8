import { afterEach, expect, test, vi } from "vitest";
import { DEFAULTS, parseChoices } from "../src/controls/choices";

afterEach(() => vi.unstubAllGlobals());

test("what was chosen is read again", () => {
  const chosen = {
    microphone: "a",
    speaker: "b",
    volume: 0.4,
    mode: "type",
    pushToTalk: true,
    shortcuts: false,
  } as const;
  expect(parseChoices(JSON.stringify(chosen))).toEqual(chosen);
});

test.each([
  null,
  "",
  "{",
  "null",
  "7",
  '"x"',
  "[]",
  '{"volume": 2, "microphone": 3, "mode": "shout", "shortcuts": "no"}',
])("of anything else the defaults are taken: %s", (stored) => {
  expect(parseChoices(stored)).toEqual(DEFAULTS);
});

test("without storage a choice holds for the visit", async () => {
  const broken = {
    getItem: () => {
      throw new DOMException("denied", "SecurityError");
    },
    setItem: () => {
      throw new DOMException("full", "QuotaExceededError");
    },
  };
  vi.stubGlobal("localStorage", broken);
  vi.resetModules();
  const fresh = await import("../src/controls/choices");
  expect(fresh.choices()).toEqual(DEFAULTS);
  fresh.choose({ volume: 0.5 });
  expect(fresh.choices().volume).toBe(0.5);
});
