import { afterEach, expect, test, vi } from "vitest";
import { BEFORE, next } from "../src/call/state";
import { readNotice } from "../src/notice/notice";
import { outcomeOf, sendRating } from "../src/rating/rating";

afterEach(() => vi.unstubAllGlobals());

test.each([
  [204, "sent"],
  [409, "sent"],
  [404, "gone"],
  [403, "failed"],
  [429, "failed"],
  [503, "failed"],
  [null, "failed"],
] as const)("a response of %s means that the rating is %s", (status, outcome) => {
  expect(outcomeOf(status)).toBe(outcome);
});

test("a rating names its session and sends no empty comment; a lost network is no exception", async () => {
  const fetched = vi.fn(() => Promise.resolve(new Response(null, { status: 204 })));
  vi.stubGlobal("fetch", fetched);
  await sendRating("a/b", "up");
  await sendRating("a", "down", "too fast");
  const sent = fetched.mock.calls as unknown as [string, RequestInit][];
  expect(sent.map(([path, { body }]) => [path, body])).toEqual([
    ["/sessions/a%2Fb/rating", '{"rating":"up"}'],
    ["/sessions/a/rating", '{"rating":"down","comment":"too fast"}'],
  ]);
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError()));
  expect(await sendRating("a", "up")).toBe("failed");
});

test("only the conversation that was connected last can be rated", () => {
  const rated = next({ ...BEFORE, phase: "live" }, { type: "session", session: "one" });
  const ended = next(rated, { type: "stopped", ending: "over", problem: null });
  expect(ended.session).toBe("one");
  expect(next(ended, { type: "opening", phase: "connecting", typing: true }).session).toBeNull();
});

test("the service decides what is asked for; an older one asks for nothing", () => {
  const given = { version: "1", summary: "", rating: true, comment: true };
  expect(readNotice(given)).toMatchObject({ rating: true, comment: true });
  expect(readNotice({ ...given, comment: "yes", rating: undefined })).toMatchObject({
    rating: false,
    comment: false,
  });
});
