/** What a tool returned for the page as `card`. No I/O. */

import type { Fields, ToolUse } from "./card";

export interface Shown {
  readonly title: string;
  /** The one value that matters most; empty if there is none. */
  readonly value: string;
  readonly rows: readonly (readonly [label: string, value: string])[];
}

/** A card is read at a glance, and a tool is not the page's own code. */
const MOST_ROWS = 20;
const LONGEST = 200;

/** Parse the card in a tool's result; null if there is none. Rows that are malformed are dropped. */
export function shownIn({ result }: Pick<ToolUse, "result">): Shown | null {
  const card = result?.card as Fields | undefined;
  const [title, value] = [text(card?.title), text(card?.value)];
  if (title === "" && value === "") {
    return null;
  }
  const rows = (Array.isArray(card?.rows) ? card.rows : []).slice(0, MOST_ROWS).flatMap((row: unknown) => {
    const [label, what] = Array.isArray(row) ? [text(row[0]), text(row[1])] : ["", ""];
    return label === "" || what === "" ? [] : [[label, what] as const];
  });
  return { title, value, rows };
}

function text(value: unknown): string {
  const is = typeof value === "string" || typeof value === "number";
  return is ? String(value).trim().slice(0, LONGEST) : "";
}
