import { expect, test } from "vitest";
import type { Item } from "../src/conversation/items";
import { transcriptOf } from "../src/conversation/record";
import { follow } from "../src/conversation/transcript";
import { asText } from "../src/conversation/wording";
import { formatsFor } from "../src/locale/locale";

const AT = new Date(2026, 10, 23, 15, 5).getTime();
const FORMATS = formatsFor(["en-GB"]);

test("a transcript is written with times, cards and what was interrupted", () => {
  const card = { title: "Table booked", value: "Friday at 19:30", rows: [["People", 2]] };
  const said = transcriptOf([{ role: "user", text: "A table for two on Friday?", at: AT }]);
  const sentence = {
    type: "agent-sentence",
    segment: 1,
    text: "Your table is booked.",
    heard: "planned",
    characters: 0,
  };
  const items = [
    { type: "tool-called", call: "a", tool: "book", given: {} } as const,
    { type: "tool-returned", call: "a", result: { card } } as const,
    sentence as never,
    { type: "agent-cut" } as const,
    { type: "opened" } as const,
  ].reduce<readonly Item[]>((before, event) => follow(before, event, { at: AT, sounding: true }), said);
  expect(asText(items, FORMATS)).toBe(
    `Monday 23 November at 15:05

[15:05] You: A table for two on Friday?

[15:05] Table booked: Friday at 19:30, People 2

[15:05] Agent: Your table is booked. (interrupted)

--- New conversation, Monday 23 November at 15:05 ---
`,
  );
  expect(asText([], FORMATS)).toBe("");
});
