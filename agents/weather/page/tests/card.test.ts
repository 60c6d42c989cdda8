import { showCards } from "@page/agent/cards";
import { asksWhich, type Item } from "@page/conversation/items";
import { follow, type TranscriptEvent } from "@page/conversation/transcript";
import { asText } from "@page/conversation/wording";
import { formatsFor } from "@page/locale/locale";
import { afterEach, beforeEach, expect, test } from "vitest";
import { card } from "../card";

const AT = new Date(2026, 10, 23, 15, 5).getTime();
const PLACE = { name: "Springfield", region: "Illinois", country: "United States" };
const NOW = { conditions: "clear", temperature: 12, format: "celsius", timestamp: "20261123_090500" };

const lookedUp = (result: object | null): readonly Item[] => {
  const given = { location: "Springfield" };
  const events: TranscriptEvent[] = [
    { type: "tool-called", call: "a", tool: "get_current_weather", given },
    ...(result ? [{ type: "tool-returned", call: "a", result } as TranscriptEvent] : []),
  ];
  return events.reduce<readonly Item[]>(
    (items, event) => follow(items, event, { at: AT, sounding: false }),
    [],
  );
};

beforeEach(() => showCards(card));
afterEach(() => showCards(null));

test("a look-up is in the transcript's text with its figures, and before that with its place", () => {
  const text = (result: object | null): string => asText(lookedUp(result), formatsFor(["en-GB"]));
  expect(text({ ...NOW, place: PLACE })).toContain(
    "[15:05] Weather in Springfield, Illinois, United States (Now, 09:05 local time): 12 °C, clear sky",
  );
  expect(text(null)).toContain("[15:05] Looking up Springfield");
});

test("namesakes are a question, and one place is none", () => {
  const asks = (result: object | null): boolean => {
    const items = lookedUp(result);
    return asksWhich(items, items[0] as Item);
  };
  expect(asks({ places: [PLACE, { ...PLACE, region: "Missouri" }] })).toBe(true);
  expect(asks({ ...NOW, place: PLACE })).toBe(false);
  expect(asks(null)).toBe(false);
});
