import { expect, test } from "vitest";
import { type Press, SHORTCUTS, shortcutOf } from "../src/controls/shortcuts";

const press = (key: string, more: Partial<Press> = {}): Press => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  isComposing: false,
  ...more,
});

test("each key does its own thing, in either case", () => {
  expect(SHORTCUTS.map(({ key }) => shortcutOf(press(key), "page"))).toEqual(
    SHORTCUTS.map(({ shortcut }) => shortcut),
  );
  expect(shortcutOf(press("M"), "page")).toBe("mute");
  expect(shortcutOf(press("x"), "page")).toBeNull();
});

test.each(["text", "dialog"] as const)("no key is taken from a %s", (focus) => {
  expect(SHORTCUTS.map(({ key }) => shortcutOf(press(key), focus))).toEqual(SHORTCUTS.map(() => null));
});

test.each([{ ctrlKey: true }, { metaKey: true }, { altKey: true }, { isComposing: true }])(
  "no key is taken from the browser: %o",
  (more) => {
    expect(shortcutOf(press("s", more), "page")).toBeNull();
  },
);

test("space presses the button that has the focus; letters work there too", () => {
  expect(shortcutOf(press(" "), "button")).toBeNull();
  expect(shortcutOf(press(" "), "page")).toBe("hold");
  expect(shortcutOf(press("m"), "button")).toBe("mute");
});
