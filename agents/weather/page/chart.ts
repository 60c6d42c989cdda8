/** The geometry of a small line chart. No I/O. */

export type Point = readonly [x: number, y: number];

export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** A smaller span would make a steady temperature look like a storm. */
const LEAST_SPAN = 4;

/** Return points for values, evenly spaced, the highest at the top. */
export function chartPoints(values: readonly number[], { left, right, top, bottom }: Box): readonly Point[] {
  const highest = Math.max(...values);
  const lowest = Math.min(...values);
  const span = Math.max(highest - lowest, LEAST_SPAN);
  const middle = (highest + lowest) / 2;
  const step = values.length > 1 ? (right - left) / (values.length - 1) : 0;
  return values.map((value, at) => {
    const fromMiddle = (value - middle) / span;
    return [round(left + at * step), round((top + bottom) / 2 - fromMiddle * (bottom - top))] as const;
  });
}

/** Return a smooth path through points that does not overshoot them. */
export function chartLine(points: readonly Point[]): string {
  return points
    .map(([x, y], at) => {
      const before = points[at - 1];
      if (!before) {
        return `M${x} ${y}`;
      }
      const half = round((before[0] + x) / 2);
      return `C${half} ${before[1]} ${half} ${y} ${x} ${y}`;
    })
    .join("");
}

const round = (value: number): number => Math.round(value * 10) / 10;
