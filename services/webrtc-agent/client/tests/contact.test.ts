import { expect, test } from "vitest";
import type { Item } from "../src/conversation/items";
import { follow as followed, type TranscriptEvent } from "../src/conversation/transcript";
import { type Contact, contactIn } from "../src/people/contact";

const follow = (items: readonly Item[], event: TranscriptEvent) =>
  followed(items, event, { at: 0, sounding: true });
const TOLD = { type: "call-back", name: "front-desk", number: "+46850000000", url: null };
const DESK: Contact = { name: "Front desk", number: "+46850000000", url: null };

test("a person is read from the message of the service, wrapped or not", () => {
  expect(contactIn(TOLD)).toEqual(DESK);
  expect(contactIn({ label: "rtvi-ai", type: "server-message", data: TOLD })).toEqual(DESK);
});

test.each([
  null,
  "call-back",
  { type: "session-ended", message: "bye" },
  { ...TOLD, number: null },
  { ...TOLD, number: "javascript:alert(1)" },
  { ...TOLD, number: "0850000000" },
  { ...TOLD, number: null, url: "javascript:alert(1)" },
  { ...TOLD, name: 7 },
])("what leads to nobody is no person: %j", (message) => {
  expect(contactIn(message)).toBeNull();
});

test("an address that is no page is left out beside a number", () => {
  expect(contactIn({ ...TOLD, url: "data:text/html,hi" })).toEqual(DESK);
  expect(contactIn({ ...TOLD, url: "https://example.com/call-me" })?.url).toBe("https://example.com/call-me");
});

test("somebody who is named twice has one card, where they were named last", () => {
  const shown = { type: "contact-shown", contact: DESK } as const;
  const spoken = { type: "visitor-said", text: "a human please", final: true } as const;
  const items = [shown, spoken, shown].reduce<readonly Item[]>(follow, []);
  expect(items.map((item) => item.kind)).toEqual(["visitor", "contact"]);
  expect(new Set(items.map((item) => item.id)).size).toBe(2);
  expect(follow(items, { ...spoken, text: "thanks" }).map((item) => item.id)).toEqual([1, 2, 3]);
});
