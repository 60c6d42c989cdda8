/** The weather as the page shows it, parsed from tool results. No I/O. */

import { type Fields, fieldsOf } from "@page/agent/card";
import { CONDITIONS, type Conditions } from "./conditions";

export type Unit = "C" | "F";

export interface HourAhead {
  readonly hour: number;
  readonly temperature: number;
  readonly conditions: Conditions;
  readonly isDay: boolean;
}

/** The place that was found, which may differ from the one that the visitor meant. */
export interface Place {
  readonly name: string;
  /** "Illinois, United States"; empty if unknown. */
  readonly area: string;
  /** The shortest name that distinguishes it from its namesakes, as the agent says it. */
  readonly spoken?: string;
}

/** A figure with its unit, as the service chose it for this visitor. */
export interface Measure {
  readonly value: number;
  readonly unit: "km/h" | "mph" | "mm" | "in";
}

export interface CurrentWeather extends Place {
  readonly kind: "now";
  readonly conditions: Conditions;
  readonly isDay: boolean;
  readonly unit: Unit;
  readonly temperature: number;
  readonly feelsLike: number | null;
  readonly humidity: number | null;
  readonly wind: Measure | null;
  readonly rain: Measure | null;
  /** Clock time at the place, as HH:MM. */
  readonly time: string | null;
  readonly hours: readonly HourAhead[];
}

export interface ForecastWeather extends Place {
  readonly kind: "forecast";
  readonly conditions: Conditions;
  readonly unit: Unit;
  /** As YYYY-MM-DD; null if only the weekday is known. */
  readonly date: string | null;
  /** "Tuesday". */
  readonly weekday: string;
  /** The requested hour, if there is one. */
  readonly hour: number | null;
  readonly isDay: boolean;
  readonly high: number;
  /** The same as `high` for a single hour. */
  readonly low: number;
  readonly rainChance: number | null;
  readonly rain: Measure | null;
  readonly wind: Measure | null;
}

export interface NoWeather {
  readonly kind: "none";
  readonly name: string;
  readonly sentence: string;
}

/** Several places have this name; the visitor chooses one. */
export interface WhichPlace {
  readonly kind: "which";
  readonly name: string;
  readonly places: readonly Place[];
}

export type WeatherReading = CurrentWeather | ForecastWeather | NoWeather | WhichPlace;

const REASONS: Readonly<Record<string, string>> = {
  location_not_found: "That place was not found. Try a larger town nearby, or add the country.",
  weather_unavailable: "The weather service did not answer. Try again in a moment.",
  weather_busy: "The weather service has received too many requests. Try again later.",
  day_out_of_range: "The forecast does not cover that day. It covers about the next two weeks.",
  invalid_arguments: "The agent could not use that request. Please ask in other words.",
};

export const isWeatherTool = (name: string): boolean =>
  name === "get_current_weather" || name === "get_weather_forecast";

/** Return the place in a tool's arguments. */
export function placeIn(asked: unknown): string {
  return text(fieldsOf(asked).location) ?? "";
}

/** Parse the result of a weather tool; a malformed result is no weather. */
export function readWeather(asked: string, answered: unknown): WeatherReading {
  const answer = fieldsOf(answered);
  const places = placesIn(answer.places);
  if (places.length > 0) {
    return { kind: "which", name: asked, places };
  }
  const conditions = conditionsIn(answer.conditions);
  const temperature = whole(answer.temperature);
  const high = whole(answer.temperature_high) ?? temperature;
  const failed = text(answer.error) ?? "weather_unavailable";
  if ("error" in answer || conditions === null || high === null) {
    return {
      kind: "none",
      name: asked,
      sentence: REASONS[failed] ?? (REASONS.weather_unavailable as string),
    };
  }
  const common = {
    ...(placesIn([answer.place])[0] ?? { name: asked, area: "" }),
    conditions,
    unit: answer.format === "fahrenheit" ? "F" : "C",
    wind: measure(whole(answer.wind_kmh), "km/h") ?? measure(whole(answer.wind_mph), "mph"),
    rain: measure(number(answer.precipitation_mm), "mm") ?? measure(number(answer.precipitation_in), "in"),
  } as const;
  return temperature === null || "weekday" in answer
    ? { ...common, ...forecast(high, answer) }
    : { ...common, ...current(temperature, answer) };
}

type Common = keyof Place | "conditions" | "unit" | "wind" | "rain";

function current(temperature: number, answer: Fields): Omit<CurrentWeather, Common> {
  return {
    kind: "now",
    isDay: answer.is_day !== false,
    temperature,
    feelsLike: whole(answer.feels_like),
    humidity: whole(answer.humidity_percent),
    time: clock(answer.timestamp),
    hours: hoursAhead(answer.next_hours),
  };
}

function forecast(high: number, answer: Fields): Omit<ForecastWeather, Common> {
  const hour = whole(answer.hour);
  return {
    kind: "forecast",
    date: dateIn(answer.day),
    weekday: capitalised(text(answer.weekday) ?? "Forecast"),
    hour,
    isDay: hour === null || isDaytime(hour),
    high,
    low: whole(answer.temperature_low) ?? high,
    rainChance: whole(answer.precipitation_probability_percent),
  };
}

const measure = (value: number | null, unit: Measure["unit"]): Measure | null =>
  value === null ? null : { value, unit };

function placesIn(value: unknown): readonly Place[] {
  return (Array.isArray(value) ? value : []).flatMap((one: unknown) => {
    const { name, region, country, spoken } = fieldsOf(one);
    const [found, said] = [text(name), text(spoken)];
    const area = [text(region), text(country)].filter((each) => each !== null && each !== found);
    return found === null ? [] : [{ name: found, area: area.join(", "), ...(said ? { spoken: said } : {}) }];
  });
}

function dateIn(value: unknown): string | null {
  const date = text(value) ?? "";
  return /^\d{4}-\d\d-\d\d$/.test(date) && !Number.isNaN(Date.parse(date)) ? date : null;
}

function hoursAhead(value: unknown): readonly HourAhead[] {
  return (Array.isArray(value) ? value : []).flatMap((one: unknown) => {
    const { hour, temperature, conditions } = fieldsOf(one);
    const at = whole(hour);
    const degrees = whole(temperature);
    const sky = conditionsIn(conditions);
    return at === null || degrees === null || sky === null
      ? []
      : [{ hour: at, temperature: degrees, conditions: sky, isDay: isDaytime(at) }];
  });
}

/** The tools report day or night only for now; for later hours this chooses between sun and moon. */
const isDaytime = (hour: number): boolean => hour >= 7 && hour < 20;

const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
const number = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;
const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

function whole(value: unknown): number | null {
  const known = number(value);
  return known === null ? null : Math.round(known);
}

function conditionsIn(value: unknown): Conditions | null {
  return typeof value === "string" && Object.hasOwn(CONDITIONS, value) ? (value as Conditions) : null;
}

/** `20261123_150000` is 15:00. */
function clock(timestamp: unknown): string | null {
  const found = /^\d{8}_(\d\d)(\d\d)\d\d$/.exec(text(timestamp) ?? "");
  return found ? `${found[1]}:${found[2]}` : null;
}
