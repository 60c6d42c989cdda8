/** A weather reading in words: labels, and what a screen reader says of the chart. No I/O. */

import { conditionsName } from "./conditions";
import { type CurrentWeather, type ForecastWeather, type HourAhead, hourName, type Unit } from "./reading";

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
  const facts: readonly (readonly [string, number | null, string])[] =
    reading.kind === "now"
      ? [
          ["Feels like", reading.feelsLike, "°"],
          ["Humidity", reading.humidity, " %"],
          ["Wind", reading.wind, " km/h"],
          ["Rain", reading.rain, " mm"],
        ]
      : [
          ["Chance of rain", reading.rainChance, " %"],
          ["Rain", reading.rain, " mm"],
          ["Wind", reading.wind, " km/h"],
        ];
  return facts.flatMap(([label, figure, unit]) =>
    figure === null ? [] : [[label, `${figure}${unit}`] as const],
  );
}
