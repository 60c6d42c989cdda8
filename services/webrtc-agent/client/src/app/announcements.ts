/** Whether screen readers announce what happens on the page; the visitor's choice is remembered. */

import { useSyncExternalStore } from "react";

const KEY = "announcements";
const watchers = new Set<() => void>();
let on = remembered();

/** Recall the visitor's choice; storage may be off. */
function remembered(): boolean {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true;
  }
}

export function announce(wanted: boolean): void {
  on = wanted;
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch {
    // Without storage the choice holds for this visit.
  }
  for (const watcher of watchers) {
    watcher();
  }
}

function subscribe(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function useAnnouncements(): boolean {
  return useSyncExternalStore(subscribe, () => on);
}

/** The part of the page that is announced. One at a time: two would be read over each other. */
export type Announced = "status" | "log" | "nothing";

/**
 * Choose what is announced: the steps of the connection, and during the conversation what is said and shown.
 *
 * @param live - The conversation goes on, so its steps are in the log.
 */
export function announced(wanted: boolean, live: boolean): Announced {
  if (!wanted) {
    return "nothing";
  }
  return live ? "log" : "status";
}
