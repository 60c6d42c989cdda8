import { conditionsName, skyOf } from "./conditions";
import { HoursChart } from "./HoursChart";
import type { CurrentWeather, ForecastWeather, WeatherReading } from "./reading";
import { SkyIcon } from "./SkyIcon";
import { degrees, factsOf } from "./words";

/** What the agent looked up, drawn from the same figures it speaks about. */
export function WeatherCard({ place, reading }: { place: string; reading: WeatherReading | null }) {
  if (reading === null) {
    return (
      <article className="card card--looking" aria-busy="true">
        <p>Looking up {place}…</p>
      </article>
    );
  }
  if (reading.kind === "none") {
    return (
      <article className="card card--none" aria-label={`Weather in ${place}`}>
        <h3>{place}</h3>
        <p>{reading.sentence}</p>
      </article>
    );
  }
  return (
    <article className="card" aria-label={`Weather in ${place}`} data-day={reading.isDay}>
      <header>
        <div>
          <h3>{place}</h3>
          <p className="card__when">{whenOf(reading)}</p>
        </div>
        <SkyIcon sky={skyOf(reading.conditions)} isDay={reading.isDay} />
      </header>
      <p className="card__main">
        <Degrees reading={reading} />
        <span className="card__conditions">{conditionsName(reading.conditions)}</span>
      </p>
      <dl className="card__facts">
        {factsOf(reading).map(([label, figure]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{figure}</dd>
          </div>
        ))}
      </dl>
      {reading.kind === "now" && reading.hours.length > 1 && (
        <HoursChart hours={reading.hours} unit={reading.unit} />
      )}
    </article>
  );
}

function whenOf(reading: CurrentWeather | ForecastWeather): string {
  if (reading.kind === "forecast") {
    return reading.when;
  }
  return reading.time ? `Now, ${reading.time} there` : "Now";
}

function Degrees({ reading }: { reading: CurrentWeather | ForecastWeather }) {
  const [main, low] =
    reading.kind === "now" ? [reading.temperature, reading.temperature] : [reading.high, reading.low];
  return (
    <strong>
      {low < main && <span className="out-of-sight">High </span>}
      {degrees(main).slice(0, -1)}
      <span className="card__unit">°{reading.unit}</span>
      {low < main && <span className="card__low">low {degrees(low)}</span>}
    </strong>
  );
}
