import { useId } from "react";
import type { CardProps } from "./card";
import { shownIn } from "./shown";

/** A title, the value that matters most, and labelled values below it. */
export function GenericCard({ use }: Pick<CardProps, "use">) {
  const heading = useId();
  const shown = shownIn(use);
  if (shown === null) {
    return null;
  }
  const { title, value, rows } = shown;
  return (
    <article className="card card--generic" aria-labelledby={heading}>
      <h3 id={heading}>{title || value}</h3>
      {title && value && <p className="card__value">{value}</p>}
      {rows.length > 0 && (
        <dl className="card__rows">
          {rows.map(([label, what], at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the rows of a result never change, and labels may repeat
            <div key={at}>
              <dt>{label}</dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      )}
    </article>
  );
}
