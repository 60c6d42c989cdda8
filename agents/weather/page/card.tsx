/** The weather agent's cards for the visitor's page, which loads them only for this agent. */

import type { AgentCard, CardProps, ToolUse } from "@page/agent/card";
import { isWeatherTool, placeIn, readWeather, type WeatherReading } from "./reading";
import { WeatherCard } from "./WeatherCard";
import "./weather.css";
import { inWords } from "./words";

/** The tool call names the place and its result the figures. */
const readingOf = ({ given, result }: ToolUse): WeatherReading | null =>
  result === null ? null : readWeather(placeIn(given), result);

export const card: AgentCard = {
  serves: isWeatherTool,
  busy: "Looking up the weather",
  isShown: () => true,
  asks: (use) => readingOf(use)?.kind === "which",
  inWords: (use, formats) => {
    const reading = readingOf(use);
    return reading === null ? `Looking up ${placeIn(use.given)}` : inWords(reading, formats);
  },
  Card: ({ use, onChoose }: CardProps) => (
    <WeatherCard place={placeIn(use.given)} reading={readingOf(use)} onChoose={onChoose} />
  ),
};
