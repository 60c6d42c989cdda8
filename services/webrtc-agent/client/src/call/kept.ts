/** What this tab needs to resume its conversation after a reload, in the tab's own storage only. */

import { agentPage } from "../agent/page";
import type { Item } from "../conversation/items";

export interface Kept {
  /** Resumes the conversation, once. A secret: it is never in a URL or a log. */
  readonly token: string;
  /** Identifies the next try, so that it can be repeated when the response is lost. */
  readonly attempt: string;
  /** How long the service allows a visitor to resume. */
  readonly seconds: number;
  readonly typing: boolean;
  /** The visitor reads the answers; no audio is played. */
  readonly silent: boolean;
  /** When the conversation was last active, in milliseconds since 1970. */
  readonly seen: number;
  readonly items: readonly Item[];
}

/** In the tab's storage: a tab may visit the pages of several agents, and each resumes only its own conversation. */
interface Stored extends Kept {
  readonly agent: string;
}

const KINDS: ReadonlySet<string> = new Set<Item["kind"]>(["visitor", "agent", "card", "contact", "opening"]);

const KEY = "conversation";
/** Half of what a browser stores for one site. */
const LONGEST = 2_000_000;
const TRIES = 5;
const TRY_MS = 200;

export function keep(kept: Kept): void {
  const stored: Stored = { ...kept, agent: agentPage().id };
  const text = JSON.stringify(stored);
  try {
    sessionStorage.setItem(KEY, text.length > LONGEST ? JSON.stringify({ ...stored, items: [] }) : text);
  } catch {
    // Storage is full or disabled: a reload starts a new conversation.
  }
}

/** Return what was saved, unless it is too old to resume with. */
export function kept(now: number): Kept | null {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Stored | null;
    const whole = typeof found?.token === "string" && Array.isArray(found.items);
    if (!whole || found.agent !== agentPage().id || now - found.seen >= found.seconds * 1000) {
      return null;
    }
    // Another version of the page may have stored kinds that this one cannot show.
    return { ...found, items: found.items.filter(({ kind }) => KINDS.has(kind)) };
  } catch {
    return null;
  }
}

export function forgetKept(): void {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Storage is disabled, so nothing was saved.
  }
}

/** Lock the conversation for this tab until the page is left; false if another tab, such as the original of a duplicate, holds it. */
export async function holdAlone(token: string): Promise<boolean> {
  if (!navigator.locks) {
    return true; // not a secure context, which has no locks; the service allows only one tab to resume
  }
  for (let tries = 0; tries < TRIES; tries++) {
    if (await held(`conversation-${token.split(".")[0]}`)) {
      return true;
    }
    await new Promise((then) => setTimeout(then, TRY_MS)); // the page before the reload may still hold it
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
