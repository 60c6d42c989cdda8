import { formats } from "@page/locale/locale";
import { useRef } from "react";
import { conditionsName, skyOf } from "./conditions";
import { HoursChart } from "./HoursChart";
import type { CurrentWeather, ForecastWeather, NoWeather, WeatherReading, WhichPlace } from "./reading";
import { SkyIcon } from "./SkyIcon";
import { degrees, factsOf, warmthOf, whenOf, whereOf } from "./words";

interface Props {
  /** The place that the agent asked for. */
  place: string;
  reading: WeatherReading | null;
  /** Answers which of several places is meant; null unless the agent waits for that. */
  onChoose: ((place: string) => void) | null;
}

/** The agent's look-up, from the same figures that it speaks. */
export function WeatherCard({ place, reading, onChoose }: Props) {
  if (reading === null) {
    return (
      <article className="card card--looking" aria-busy="true">
        <p>Looking up {place}…</p>
      </article>
    );
  }
  switch (reading.kind) {
    case "none":
      return <NoWeatherCard reading={reading} />;
    case "which":
      return <WhichPlaceCard reading={reading} onChoose={onChoose} />;
    default:
      return <FiguresCard reading={reading} />;
  }
}

function NoWeatherCard({ reading: { name, sentence } }: { reading: NoWeather }) {
  return (
    <article className="card card--none" aria-label={`Weather in ${name}`}>
      <h3>{name}</h3>
      <p>{sentence}</p>
    </article>
  );
}

/** The places to choose from: buttons while the agent waits for the answer, afterwards a list of what was offered. */
function WhichPlaceCard({
  reading: { name, places },
  onChoose,
}: {
  reading: WhichPlace;
  onChoose: Props["onChoose"];
}) {
  const title = useRef<HTMLHeadingElement>(null);
  const choose = (place: string): void => {
    title.current?.focus(); // the pressed button is about to disappear
    onChoose?.(place);
  };
  return (
    <article className="card card--none" aria-label={`Which ${name}?`}>
      <h3 ref={title} tabIndex={-1}>
        Which {name}?
      </h3>
      <ul className="card__places" data-open={onChoose !== null}>
        {places.map((one) => (
          <li key={one.area}>
            {onChoose ? (
              <button type="button" className="question" onClick={() => choose(one.spoken ?? whereOf(one))}>
                {whereOf(one)}
              </button>
            ) : (
              whereOf(one)
            )}
          </li>
        ))}
      </ul>
    </article>
  );
}

function FiguresCard({ reading }: { reading: CurrentWeather | ForecastWeather }) {
  return (
    <article className="card" aria-label={`Weather in ${reading.name}`} data-day={reading.isDay}>
      <header>
        <div>
          <h3>{reading.name}</h3>
          {reading.area && <p className="card__area">{reading.area}</p>}
          <p className="card__when">{whenOf(reading, formats())}</p>
        </div>
        <SkyIcon sky={skyOf(reading.conditions)} isDay={reading.isDay} />
      </header>
      <p className="card__main">
        <Degrees reading={reading} />{" "}
        <span className="card__conditions">{conditionsName(reading.conditions)}</span>
      </p>
      <dl className="card__facts">
        {factsOf(reading, formats()).map(([label, figure]) => (
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

/** The figures, with the same in words for screen readers. */
function Degrees({ reading }: { reading: CurrentWeather | ForecastWeather }) {
  const [main, low] =
    reading.kind === "now" ? [reading.temperature, reading.temperature] : [reading.high, reading.low];
  return (
    <strong>
      <span className="out-of-sight">{warmthOf(reading)}, </span>
      <span aria-hidden="true">
        {low < main && <span className="card__high">High</span>}
        {degrees(main).slice(0, -1)}
        <span className="card__unit">°{reading.unit}</span>
        {low < main && <span className="card__low">Low {degrees(low)}</span>}
      </span>
    </strong>
  );
}
