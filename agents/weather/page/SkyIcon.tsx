import type { ReactNode } from "react";
import type { Sky } from "./conditions";

const SUN = (
  <g className="sky-sun">
    <circle cx="16" cy="16" r="6.5" />
    <path d="M16 3.5v3m0 19v3M3.5 16h3m19 0h3M7.2 7.2l2.1 2.1m13.4 13.4 2.1 2.1m0-17.6-2.1 2.1M9.3 22.7l-2.1 2.1" />
  </g>
);
const MOON = <path className="sky-moon" d="M24.5 18.6A9.6 9.6 0 0 1 13.4 7.5a9.6 9.6 0 1 0 11.1 11.1Z" />;
const SMALL_SUN = (
  <g className="sky-sun">
    <circle cx="20.5" cy="11" r="5" />
    <path d="M20.5 2v1.8m9 7.2h-1.8m-.9-6.3-1.3 1.3m1.3 11.3-1.3-1.3" />
  </g>
);
const SMALL_MOON = <path className="sky-moon" d="M30 13.2A8 8 0 0 1 19.8 3a8 8 0 1 0 10.2 10.2Z" />;
const LOW_CLOUD = (
  <path className="sky-cloud" d="M9 27.5a5.5 5.5 0 0 1-.5-11 7.2 7.2 0 0 1 13.7 1.6 4.8 4.8 0 0 1-.4 9.4Z" />
);
const HIGH_CLOUD = (
  <path className="sky-cloud" d="M9.5 20.5a6 6 0 0 1-.5-12 8 8 0 0 1 15.2 1.8 5.2 5.2 0 0 1-.4 10.2Z" />
);

const FALLING: Partial<Record<Sky, ReactNode>> = {
  drizzle: <path className="sky-rain" d="M11 24.5l-.6 1.6m6.2-1.6-.6 1.6m6.2-1.6-.6 1.6" />,
  rain: <path className="sky-rain" d="M11.5 23.5l-1.8 5m7.3-5-1.8 5m7.3-5-1.8 5" />,
  ice: <path className="sky-rain" d="M11.5 23.5l-1.8 5m12.8-5-1.8 5M16 24l1.5 2.5L16 29l-1.5-2.5Z" />,
  snow: <path className="sky-snow" d="M10.5 25.5h.01M16 24h.01M21.5 25.5h.01M13 29h.01M19 29h.01" />,
  thunder: <path className="sky-bolt" d="M17.5 17.5l-4.5 6.5h3.4l-1.4 5.5 5-7.3h-3.4l2.2-4.7Z" />,
  fog: <path className="sky-fog" d="M7 24.5h18M10 28.5h12" />,
};

function drawing(sky: Sky, isDay: boolean): ReactNode {
  switch (sky) {
    case "clear":
      return isDay ? SUN : MOON;
    case "partly":
      return (
        <>
          {isDay ? SMALL_SUN : SMALL_MOON}
          {LOW_CLOUD}
        </>
      );
    default:
      return (
        <>
          {HIGH_CLOUD}
          {FALLING[sky]}
        </>
      );
  }
}

/** A sky icon, 32 units square; with `at` it is placed inside another drawing, 20 units wide. */
export function SkyIcon({ sky, isDay, at }: { sky: Sky; isDay: boolean; at?: readonly [number, number] }) {
  const place = at ? { x: at[0], y: at[1], width: 20, height: 20 } : {};
  return (
    <svg className="sky" viewBox="0 0 32 32" aria-hidden="true" {...place}>
      {drawing(sky, isDay)}
    </svg>
  );
}
