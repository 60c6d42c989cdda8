/** A weather reading in words: labels, and what a screen reader says of the chart. No I/O. */

import { conditionsName, skyOf } from "./conditions";
import { type CurrentWeather, type ForecastWeather, type HourAhead, hourName, type Unit } from "./reading";

/** Degrees as they are written: with a true minus, which is as wide as a plus. */
export const degrees = (whole: number): string => `${whole}°`.replace("-", "\u2212");

/** One label and figure of a card. */
export type Fact = readonly [label: string, figure: string];

export function hoursInWords(hours: readonly HourAhead[], unit: Unit): string {
  const scale = unit === "C" ? "Celsius" : "Fahrenheit";
  const told = hours.map(
    (hour) =>
      `${hourName(hour.hour)} ${hour.temperature} degrees, ${conditionsName(hour.conditions).toLowerCase()}`,
  );
  return `The next hours, in degrees ${scale}: ${told.join("; ")}.`;
}

/** Name the figures beside the big one; what the weather source left out is left out here. */
export function factsOf(reading: CurrentWeather | ForecastWeather): readonly Fact[] {
  const falling = skyOf(reading.conditions) === "snow" ? "Snow" : "Rain";
  const facts: readonly (readonly [string, number | null, string])[] =
    reading.kind === "now"
      ? [
          ["Feels like", reading.feelsLike, "°"],
          ["Humidity", reading.humidity, " %"],
          ["Wind", reading.wind, " km/h"],
          [falling, reading.rain, " mm"],
        ]
      : [
          [`Chance of ${falling.toLowerCase()}`, reading.rainChance, " %"],
          [falling, reading.rain, " mm"],
          ["Wind", reading.wind, " km/h"],
        ];
  return facts.flatMap(([label, figure, unit]) =>
    figure === null ? [] : [[label, `${figure}${unit}`.replace("-", "\u2212")] as const],
  );
}
