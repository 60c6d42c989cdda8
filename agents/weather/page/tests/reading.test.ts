import { formatsFor } from "@page/locale/locale";
import { expect, test } from "vitest";
import { CONDITIONS } from "../conditions";
import { isWeatherTool, placeIn, readWeather } from "../reading";
import { degrees, factsOf, hoursInWords, inWords, warmthOf, whenOf } from "../words";

const SWEDISH = formatsFor(["sv-SE", "en-US"]);
const AMERICAN = formatsFor(["en-US"]);
const NOW = {
  conditions: "snow_showers",
  temperature: -3,
  format: "celsius",
  timestamp: "20261123_163402",
  feels_like: -9,
  humidity_percent: 81,
  wind_kmh: 22,
  precipitation_mm: 0.4,
  is_day: false,
  next_hours: [
    { hour: 17, temperature: -3, conditions: "overcast" },
    { hour: 22, temperature: -5, conditions: "clear" },
  ],
};
const DAY = {
  day: "2026-11-24",
  weekday: "tuesday",
  conditions: "rain",
  temperature_high: 63,
  temperature_low: 52,
  precipitation_probability_percent: null,
  precipitation_mm: 6.2,
  wind_kmh: 22,
  format: "fahrenheit",
};

test("the weather now is read with all its figures", () => {
  expect(readWeather("Oslo", NOW)).toEqual({
    kind: "now",
    name: "Oslo",
    area: "",
    conditions: "snow_showers",
    isDay: false,
    unit: "C",
    temperature: -3,
    feelsLike: -9,
    humidity: 81,
    wind: { value: 22, unit: "km/h" },
    rain: { value: 0.4, unit: "mm" },
    time: "16:34",
    hours: [
      { hour: 17, temperature: -3, conditions: "overcast", isDay: true },
      { hour: 22, temperature: -5, conditions: "clear", isDay: false },
    ],
  });
});

test("a day to come has a high and a low, and leaves out what is not known", () => {
  const reading = readWeather("Boston", DAY);
  expect(reading).toMatchObject({ kind: "forecast", date: "2026-11-24", high: 63, low: 52, unit: "F" });
  expect(reading.kind === "forecast" && factsOf(reading, SWEDISH)).toEqual([
    ["Rain", "6,2 mm"],
    ["Wind", "22 km/h"],
  ]);
});

test("one hour of a day has one temperature", () => {
  const { temperature_high: _high, temperature_low: _low, ...rest } = DAY;
  const reading = readWeather("Boston", { ...rest, hour: 9, temperature: 55 });
  expect(reading).toMatchObject({ kind: "forecast", hour: 9, high: 55, low: 55, isDay: true });
});

test("an answer that came as text is read the same", () => {
  expect(readWeather("Oslo", JSON.stringify(NOW))).toEqual(readWeather("Oslo", NOW));
});

test.each([
  [{ error: "location_not_found" }, "not found"],
  [{ error: "day_out_of_range" }, "two weeks"],
  [{ error: "something_new" }, "did not answer"],
  [{ ...NOW, conditions: "raining_frogs" }, "did not answer"],
  [{ ...NOW, conditions: "toString" }, "did not answer"],
  [{ ...NOW, temperature: "warm" }, "did not answer"],
  ["not json", "did not answer"],
  [null, "did not answer"],
])("an answer without weather becomes a sentence: %j", (answer, words) => {
  const reading = readWeather("Oslo", answer);
  expect(reading).toMatchObject({ kind: "none", name: "Oslo" });
  expect(reading.kind === "none" && reading.sentence).toContain(words);
});

test("hours that make no sense are left out", () => {
  const hours = [{ hour: 17 }, null, { hour: 18, temperature: 1, conditions: "clear" }];
  expect(readWeather("Oslo", { ...NOW, next_hours: hours })).toMatchObject({ hours: [{ hour: 18 }] });
});

test("the place is the one that was asked about", () => {
  expect(placeIn({ location: "Stockholm, Sweden" })).toBe("Stockholm, Sweden");
  expect(placeIn(undefined)).toBe("");
});

test("only the weather tools make cards", () => {
  expect(["get_current_weather", "get_weather_forecast", "end_call", ""].filter(isWeatherTool)).toHaveLength(
    2,
  );
});

test("the chart can be read out", () => {
  const reading = readWeather("Oslo", NOW);
  const words = reading.kind === "now" ? hoursInWords(reading.hours, reading.unit, SWEDISH) : "";
  expect(words).toBe(
    "The next hours, in degrees Celsius: 17:00 -3 degrees, overcast; 22:00 -5 degrees, clear sky.",
  );
});

test("snow falls as snow", () => {
  const reading = readWeather("Oslo", NOW);
  expect(reading.kind === "now" && factsOf(reading, SWEDISH).at(-1)).toEqual(["Snow", "0,4 mm"]);
});

test("every kind of weather has a name and a drawing", () => {
  expect(Object.values(CONDITIONS).every(([name, sky]) => name.length > 0 && sky.length > 0)).toBe(true);
  expect(degrees(-3)).toBe("\u22123°");
});

const SPRINGFIELD = { name: "Springfield", region: "Illinois", country: "United States" };

test("the place on the card is the one that was found", () => {
  const reading = readWeather("springfield", { ...NOW, place: SPRINGFIELD });
  expect(reading).toMatchObject({ name: "Springfield", area: "Illinois, United States" });
});

test("a city that is its own region or state names each once", () => {
  const place = { name: "Singapore", region: "", country: "Singapore" };
  expect(readWeather("Singapore", { ...NOW, place })).toMatchObject({ name: "Singapore", area: "" });
});

test("several places of one name are offered", () => {
  const missouri = { ...SPRINGFIELD, region: "Missouri" };
  const reading = readWeather("Springfield", { speak: "Which?", places: [missouri, SPRINGFIELD] });
  expect(inWords(reading, AMERICAN)).toBe(
    "Which Springfield? Springfield, Missouri, United States; Springfield, Illinois, United States",
  );
});

test("figures come in the units that the service chose", () => {
  const { wind_kmh: _wind, precipitation_mm: _rain, ...rest } = DAY;
  const reading = readWeather("Boston", { ...rest, wind_mph: 14, precipitation_in: 0.24 });
  expect(reading.kind === "forecast" && factsOf(reading, AMERICAN)).toEqual([
    ["Rain", "0.24 in"],
    ["Wind", "14 mph"],
  ]);
});

test("the day has a date, and the clock is the visitor's", () => {
  const day = readWeather("Boston", DAY);
  const hour = readWeather("Boston", { ...DAY, hour: 15 });
  const now = readWeather("Oslo", NOW);
  const when = (formats: typeof AMERICAN) =>
    [day, hour, now].map((one) =>
      one.kind === "forecast" || one.kind === "now" ? whenOf(one, formats) : "",
    );
  expect(when(AMERICAN)).toEqual([
    "Tuesday, November 24",
    "Tuesday, November 24, 3 PM",
    "Now, 4:34 PM local time",
  ]);
  expect(when(formatsFor(["en-GB"]))).toEqual([
    "Tuesday 24 November",
    "Tuesday 24 November, 15:00",
    "Now, 16:34 local time",
  ]);
});

test("high and low are read out with their words and spaces", () => {
  const reading = readWeather("Boston", DAY);
  expect(reading.kind === "forecast" && warmthOf(reading)).toBe("High 63 °F, low 52 °F");
});
