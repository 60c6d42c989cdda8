/** What lets this tab come back to its conversation after a reload: kept by the tab, and by nothing else. */

import type { Item } from "../conversation/items";

export interface Kept {
  /** Lets who has it come back, once. Never in an address, and never in a log. */
  readonly token: string;
  /** Names the next try, so that one whose answer is lost may be repeated. */
  readonly attempt: string;
  /** How long the service lets a visitor come back. */
  readonly seconds: number;
  readonly typing: boolean;
  /** The visitor reads the answers. */
  readonly silent: boolean;
  /** When the conversation was last seen going on, in milliseconds of the clock. */
  readonly seen: number;
  readonly items: readonly Item[];
}

const KEY = "conversation";
/** Half of what a browser keeps for one site. */
const LONGEST = 2_000_000;
const TRIES = 5;
const TRY_MS = 200;

export function keep(kept: Kept): void {
  const text = JSON.stringify(kept);
  try {
    sessionStorage.setItem(KEY, text.length > LONGEST ? JSON.stringify({ ...kept, items: [] }) : text);
  } catch {
    // Storage is full or forbidden: a reload begins anew.
  }
}

/** Give what was kept, unless it is too old to come back with. */
export function kept(now: number): Kept | null {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Kept | null;
    const whole = typeof found?.token === "string" && Array.isArray(found.items);
    return whole && now - found.seen < found.seconds * 1000 ? found : null;
  } catch {
    return null;
  }
}

export function forgetKept(): void {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Nothing was kept either.
  }
}

/** Hold the conversation for this tab until the page goes away; false where another tab, such as the one that this is a copy of, holds it. */
export async function holdAlone(token: string): Promise<boolean> {
  if (!navigator.locks) {
    return true; // not a secure address; the service lets only one come back
  }
  for (let tries = 0; tries < TRIES; tries++) {
    if (await held(`conversation-${token.split(".")[0]}`)) {
      return true;
    }
    await new Promise((then) => setTimeout(then, TRY_MS)); // the page before a reload may not be gone yet
  }
  return false;
}

const mine = new Set<string>();

function held(name: string): Promise<boolean> {
  if (mine.has(name)) {
    return Promise.resolve(true);
  }
  return new Promise((tell) => {
    void navigator.locks
      .request(name, { ifAvailable: true }, (lock) => {
        tell(lock !== null);
        if (lock === null) {
          return undefined;
        }
        mine.add(name);
        return new Promise(() => undefined);
      })
      .catch(() => tell(true));
  });
}
