import { formats } from "@page/locale/locale";
import { useId } from "react";
import { chartLine, chartPoints } from "./chart";
import { skyOf } from "./conditions";
import type { HourAhead, Unit } from "./reading";
import { SkyIcon } from "./SkyIcon";
import { degrees, hoursInWords } from "./words";

const WIDTH = 336;
const HEIGHT = 116;

/** The next hours: a temperature line with sky and hour below it, and the same in words for screen readers. */
export function HoursChart({ hours, unit }: { hours: readonly HourAhead[]; unit: Unit }) {
  const title = useId();
  const points = chartPoints(
    hours.map((hour) => hour.temperature),
    { left: 20, right: WIDTH - 20, top: 24, bottom: 58 },
  );
  return (
    <svg className="hours" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-labelledby={title}>
      <title id={title}>{hoursInWords(hours, unit, formats())}</title>
      <path className="hours__line" d={chartLine(points)} />
      {points.map(([x, y], at) => {
        const hour = hours[at];
        return (
          hour && (
            <g key={hour.hour}>
              <circle className="hours__dot" cx={x} cy={y} r="2.6" />
              <text className="hours__degrees" x={x + 2} y={y - 9}>
                {degrees(hour.temperature)}
              </text>
              <SkyIcon sky={skyOf(hour.conditions)} isDay={hour.isDay} at={[x - 10, HEIGHT - 42]} />
              <text className="hours__hour" x={x} y={HEIGHT - 6}>
                {formats().shortHour(hour.hour)}
              </text>
            </g>
          )
        );
      })}
    </svg>
  );
}
