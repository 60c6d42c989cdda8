/** A weather reading in words: labels, and the chart for screen readers. No I/O. */

import type { Formats } from "@page/locale/locale";
import { conditionsName, skyOf } from "./conditions";
import type {
  CurrentWeather,
  ForecastWeather,
  HourAhead,
  Measure,
  Place,
  Unit,
  WeatherReading,
} from "./reading";

/** Return degrees with a true minus sign, which is as wide as a plus. */
export const degrees = (whole: number): string => `${whole}°`.replace("-", "\u2212");

/** Return degrees with their scale, for screen readers: "65 °F". */
const inFull = (whole: number, unit: Unit): string => `${whole} °${unit}`.replace("-", "\u2212");

/** A label and a figure of a card. */
export type Fact = readonly [label: string, figure: string];

/** Return a place with its area, if known. */
export const whereOf = ({ name, area }: Place): string => (area === "" ? name : `${name}, ${area}`);

/** Return the temperature in words: "65 °F", or "High 65 °F, low 52 °F". */
export function warmthOf(reading: CurrentWeather | ForecastWeather): string {
  if (reading.kind === "now") {
    return inFull(reading.temperature, reading.unit);
  }
  const { high, low, unit } = reading;
  return low < high ? `High ${inFull(high, unit)}, low ${inFull(low, unit)}` : inFull(high, unit);
}

/** Return the time of a reading: "Now, 3:05 PM local time", or "Tuesday, November 24". */
export function whenOf(reading: CurrentWeather | ForecastWeather, formats: Formats): string {
  if (reading.kind === "now") {
    return reading.time === null ? "Now" : `Now, ${formats.clock(reading.time)} local time`;
  }
  const day = reading.date === null ? reading.weekday : formats.day(reading.date);
  return reading.hour === null ? day : `${day}, ${formats.hour(reading.hour)}`;
}

export function hoursInWords(hours: readonly HourAhead[], unit: Unit, formats: Formats): string {
  const scale = unit === "C" ? "Celsius" : "Fahrenheit";
  const readings = hours.map(
    (hour) =>
      `${formats.hour(hour.hour)} ${hour.temperature} degrees, ${conditionsName(hour.conditions).toLowerCase()}`,
  );
  return `The next hours, in degrees ${scale}: ${readings.join("; ")}.`;
}

/** Return the figures beside the temperature; what the source omits is omitted. */
export function factsOf(reading: CurrentWeather | ForecastWeather, formats: Formats): readonly Fact[] {
  const falling = skyOf(reading.conditions) === "snow" ? "Snow" : "Rain";
  const measured = (measure: Measure | null): string | null =>
    measure && `${formats.number(measure.value)} ${measure.unit}`;
  const percent = (value: number | null): string | null => (value === null ? null : `${value} %`);
  const facts: readonly (readonly [string, string | null])[] =
    reading.kind === "now"
      ? [
          ["Feels like", reading.feelsLike === null ? null : degrees(reading.feelsLike)],
          ["Humidity", percent(reading.humidity)],
          ["Wind", measured(reading.wind)],
          [falling, measured(reading.rain)],
        ]
      : [
          [`Chance of ${falling.toLowerCase()}`, percent(reading.rainChance)],
          [falling, measured(reading.rain)],
          ["Wind", measured(reading.wind)],
        ];
  return facts.flatMap(([label, figure]) => (figure === null ? [] : [[label, figure] as const]));
}

/** Return a whole card in one line. */
export function inWords(reading: WeatherReading, formats: Formats): string {
  switch (reading.kind) {
    case "none":
      return `Weather in ${reading.name}: ${reading.sentence}`;
    case "which":
      return `Which ${reading.name}? ${reading.places.map(whereOf).join("; ")}`;
    default: {
      const facts = factsOf(reading, formats).map(([label, figure]) => `${label.toLowerCase()} ${figure}`);
      const description = [
        warmthOf(reading),
        conditionsName(reading.conditions).toLowerCase(),
        ...facts,
      ].join(", ");
      return `Weather in ${whereOf(reading)} (${whenOf(reading, formats)}): ${description}`;
    }
  }
}
