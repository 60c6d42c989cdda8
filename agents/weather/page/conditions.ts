/** The conditions of the weather tools, with their name and icon. */

export type Sky = "clear" | "partly" | "cloud" | "fog" | "drizzle" | "rain" | "ice" | "snow" | "thunder";

export const CONDITIONS = {
  clear: ["Clear sky", "clear"],
  mostly_clear: ["Mostly clear", "partly"],
  partly_cloudy: ["Partly cloudy", "partly"],
  overcast: ["Overcast", "cloud"],
  fog: ["Fog", "fog"],
  drizzle: ["Drizzle", "drizzle"],
  freezing_drizzle: ["Freezing drizzle", "ice"],
  rain: ["Rain", "rain"],
  freezing_rain: ["Freezing rain", "ice"],
  snow: ["Snow", "snow"],
  snow_grains: ["Snow grains", "snow"],
  rain_showers: ["Rain showers", "rain"],
  snow_showers: ["Snow showers", "snow"],
  thunderstorm: ["Thunderstorm", "thunder"],
  thunderstorm_with_hail: ["Thunderstorm with hail", "thunder"],
  unknown: ["Conditions unknown", "cloud"],
} as const satisfies Readonly<Record<string, readonly [string, Sky]>>;

export type Conditions = keyof typeof CONDITIONS;

export const conditionsName = (conditions: Conditions): string => CONDITIONS[conditions][0];
export const skyOf = (conditions: Conditions): Sky => CONDITIONS[conditions][1];
