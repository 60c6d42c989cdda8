/** Whether screen readers announce what happens on the page. The browser keeps the visitor's choice. */

import { useSyncExternalStore } from "react";

const KEY = "announcements";
const watchers = new Set<() => void>();
let on = remembered();

/** Return the visitor's choice; storage may be disabled. */
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

/** The part of the page that screen readers announce. Only one: two would be read over each other. */
export type Announced = "status" | "log" | "nothing";

/**
 * Return what screen readers announce: the steps of the connection, then what is said and shown in the conversation.
 *
 * @param live - The conversation is running, so its steps are in the log.
 */
export function announced(wanted: boolean, live: boolean): Announced {
  if (!wanted) {
    return "nothing";
  }
  return live ? "log" : "status";
}
