import { expect, it } from "vitest";
import { announced } from "../src/app/announcements";

it("announces one part of the page at a time, or none", () => {
  expect(announced(true, false)).toBe("status");
  expect(announced(true, true)).toBe("log");
  expect(announced(false, false)).toBe("nothing");
  expect(announced(false, true)).toBe("nothing");
});
