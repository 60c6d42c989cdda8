/** The weather as the page shows it, read from what the agent's tools answered. No I/O. */

import { CONDITIONS, type Conditions } from "./conditions";

export type Unit = "C" | "F";

export interface HourAhead {
  readonly hour: number;
  readonly temperature: number;
  readonly conditions: Conditions;
  readonly isDay: boolean;
}

export interface CurrentWeather {
  readonly kind: "now";
  readonly place: string;
  readonly conditions: Conditions;
  readonly isDay: boolean;
  readonly unit: Unit;
  readonly temperature: number;
  readonly feelsLike: number | null;
  readonly humidity: number | null;
  readonly wind: number | null;
  readonly rain: number | null;
  /** Clock time at the place, as HH:MM. */
  readonly time: string | null;
  readonly hours: readonly HourAhead[];
}

export interface ForecastWeather {
  readonly kind: "forecast";
  readonly place: string;
  readonly conditions: Conditions;
  readonly unit: Unit;
  /** "Tuesday", or "Tuesday, 15:00". */
  readonly when: string;
  readonly isDay: boolean;
  readonly high: number;
  /** The same as `high` where one hour was asked for. */
  readonly low: number;
  readonly rainChance: number | null;
  readonly rain: number | null;
  readonly wind: number | null;
}

export interface NoWeather {
  readonly kind: "none";
  readonly place: string;
  readonly sentence: string;
}

export type WeatherReading = CurrentWeather | ForecastWeather | NoWeather;

type Fields = Readonly<Record<string, unknown>>;

const REASONS: Readonly<Record<string, string>> = {
  location_not_found: "I could not find that place. A bigger town nearby may help, or the country with it.",
  weather_unavailable: "The weather service did not answer. Asking again in a moment may work.",
  weather_busy: "The weather service has been asked too often. Asking again later will work.",
  day_out_of_range: "The forecast does not reach that day. It goes about two weeks ahead.",
  invalid_arguments: "That question did not come out right. Please ask it in other words.",
};

export const isWeatherTool = (name: string | undefined): boolean =>
  name === "get_current_weather" || name === "get_weather_forecast";

/** Name the place a tool was asked about. */
export function placeIn(asked: unknown): string {
  return text(fields(asked).location) ?? "";
}

/** Read what a weather tool answered; an answer that makes no sense reads as no weather. */
export function readWeather(place: string, answered: unknown): WeatherReading {
  const answer = fields(answered);
  const conditions = conditionsIn(answer.conditions);
  const unit = answer.format === "fahrenheit" ? "F" : "C";
  const temperature = whole(answer.temperature);
  const high = whole(answer.temperature_high) ?? temperature;
  const failed = text(answer.error) ?? "weather_unavailable";
  if ("error" in answer || conditions === null || high === null) {
    return { kind: "none", place, sentence: REASONS[failed] ?? (REASONS.weather_unavailable as string) };
  }
  if (temperature === null || "weekday" in answer) {
    return forecast(place, conditions, unit, high, answer);
  }
  return current(place, conditions, unit, temperature, answer);
}

function current(
  place: string,
  conditions: Conditions,
  unit: Unit,
  temperature: number,
  answer: Fields,
): CurrentWeather {
  const isDay = answer.is_day !== false;
  return {
    kind: "now",
    place,
    conditions,
    isDay,
    unit,
    temperature,
    feelsLike: whole(answer.feels_like),
    humidity: whole(answer.humidity_percent),
    wind: whole(answer.wind_kmh),
    rain: number(answer.precipitation_mm),
    time: clock(answer.timestamp),
    hours: hoursAhead(answer.next_hours),
  };
}

function forecast(
  place: string,
  conditions: Conditions,
  unit: Unit,
  high: number,
  answer: Fields,
): ForecastWeather {
  const hour = whole(answer.hour);
  const weekday = capitalised(text(answer.weekday) ?? "Forecast");
  return {
    kind: "forecast",
    place,
    conditions,
    unit,
    when: hour === null ? weekday : `${weekday}, ${hourName(hour)}`,
    isDay: hour === null || isDaytime(hour),
    high,
    low: whole(answer.temperature_low) ?? high,
    rainChance: whole(answer.precipitation_probability_percent),
    rain: number(answer.precipitation_mm),
    wind: whole(answer.wind_kmh),
  };
}

function hoursAhead(told: unknown): readonly HourAhead[] {
  return (Array.isArray(told) ? told : []).flatMap((one: unknown) => {
    const { hour, temperature, conditions } = fields(one);
    const at = whole(hour);
    const degrees = whole(temperature);
    const sky = conditionsIn(conditions);
    return at === null || degrees === null || sky === null
      ? []
      : [{ hour: at, temperature: degrees, conditions: sky, isDay: isDaytime(at) }];
  });
}

/** The tools tell day from night only for now; for an hour to come this decides between a sun and a moon. */
const isDaytime = (hour: number): boolean => hour >= 7 && hour < 20;

export const hourName = (hour: number): string => `${String(hour).padStart(2, "0")}:00`;

/** Tool answers arrive as objects, or as JSON where a transport passes them on as text. */
function fields(told: unknown): Fields {
  if (typeof told === "string") {
    try {
      return fields(JSON.parse(told));
    } catch {
      return {};
    }
  }
  return typeof told === "object" && told !== null ? (told as Fields) : {};
}

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
