import { expect, test } from "vitest";
import { consent, mayStart, readNotice } from "../src/notice/notice";

const GIVEN = {
  version: "0123456789ab",
  mode: "consent",
  operator: "Bob's Bakery",
  summary: "What you say is processed by Amazon (eu-north-1) and is not recorded.",
  details: [{ title: "An AI", text: "You are talking with an AI." }],
  phone: "+46850000000",
  rating: true,
  comment: false,
  links: [{ title: "Privacy", url: "https://example.com/privacy" }],
};

test("a notice is read as it is", () => {
  expect(readNotice(GIVEN)).toEqual({ ...GIVEN, callMe: null });
});

test("a service that calls visitors says which numbers, and from which", () => {
  const callMe = { prefixes: ["+46", "+49"], from: "+46850000001" };
  expect(readNotice({ ...GIVEN, call_me: callMe })?.callMe).toEqual(callMe);
});

test.each([1, [], {}, { prefixes: [], from: "+46" }, { prefixes: "+46", from: "+46" }])(
  "%j offers no call",
  (given) => {
    expect(readNotice({ ...GIVEN, call_me: given })?.callMe).toBeNull();
  },
);

test.each([null, undefined, "x", {}, { version: 1, summary: "" }])("%j is none", (given) => {
  expect(readNotice(given)).toBeNull();
});

test("a link that is not https, and a number that is none, are left out", () => {
  const links = [{ title: "Privacy", url: "javascript:alert(1)" }];
  expect(readNotice({ ...GIVEN, links, phone: "javascript:alert(1)" })).toMatchObject({
    links: [],
    phone: null,
  });
});

test("nothing starts before the visitor has agreed, where that is asked for", () => {
  const notice = readNotice(GIVEN);
  expect(mayStart({ notice, agreed: false })).toBe(false);
  expect(consent({ notice, agreed: false })).toEqual({});
  expect(consent({ notice, agreed: true })).toEqual({ consent: GIVEN.version });
  expect(consent({ notice: readNotice({ ...GIVEN, mode: "notice" }), agreed: false })).toEqual({
    consent: GIVEN.version,
  });
  expect(mayStart({ notice: null, agreed: false })).toBe(true);
});
