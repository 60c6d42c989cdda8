import { expect, test } from "vitest";
import type { Item } from "../src/conversation/items";
import { transcriptOf } from "../src/conversation/record";
import { follow } from "../src/conversation/transcript";
import { asText } from "../src/conversation/wording";
import { formatsFor } from "../src/locale/locale";
import { readWeather } from "../src/weather/reading";

const AT = new Date(2026, 10, 23, 15, 5).getTime();
const FORMATS = formatsFor(["en-GB"]);

test("a transcript is written with times, cards and what was interrupted", () => {
  const place = { name: "Springfield", region: "Illinois", country: "United States" };
  const answer = {
    conditions: "clear",
    temperature: 12,
    format: "celsius",
    timestamp: "20261123_090500",
    place,
  };
  const said = transcriptOf([{ role: "user", text: "Weather in Springfield?", at: AT }]);
  const sentence = {
    type: "agent-sentence",
    segment: 1,
    text: "It is 12 degrees.",
    heard: "planned",
    characters: 0,
  };
  const items = [
    { type: "weather-asked", call: "a", place: "Springfield" } as const,
    { type: "weather-result", call: "a", reading: readWeather("Springfield", answer) } as const,
    sentence as never,
    { type: "agent-cut" } as const,
    { type: "opened" } as const,
  ].reduce<readonly Item[]>((before, event) => follow(before, event, { at: AT, sounding: true }), said);
  expect(asText(items, FORMATS)).toBe(
    `Monday 23 November at 15:05

[15:05] You: Weather in Springfield?

[15:05] Weather in Springfield, Illinois, United States (Now, 09:05 local time): 12 °C, clear sky

[15:05] Agent: It is 12 degrees. (interrupted)

--- New conversation, Monday 23 November at 15:05 ---
`,
  );
  expect(asText([], FORMATS)).toBe("");
});
