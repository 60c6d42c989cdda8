/** The visitor's choices, kept in this browser: devices, volume, voice or text. */

import { useSyncExternalStore } from "react";

export interface Choices {
  /** Device ids; empty for the system's default. */
  readonly microphone: string;
  readonly speaker: string;
  /** 0 to 1. */
  readonly volume: number;
  readonly mode: "talk" | "type";
  /** The microphone is muted except while a key or the button is held. */
  readonly pushToTalk: boolean;
  /** Single-key shortcuts are on (WCAG 2.1.4 requires a way to turn them off). */
  readonly shortcuts: boolean;
}

export const DEFAULTS: Choices = {
  microphone: "",
  speaker: "",
  volume: 1,
  mode: "talk",
  pushToTalk: false,
  shortcuts: true,
};

const KEY = "choices";

/** Parse the stored choices; missing or malformed ones get their default. */
export function parseChoices(stored: string | null): Choices {
  let found: Partial<Record<keyof Choices, unknown>> = {};
  try {
    found = Object(JSON.parse(stored ?? "{}"));
  } catch {
    // Not our format.
  }
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const flag = (value: unknown, otherwise: boolean): boolean =>
    typeof value === "boolean" ? value : otherwise;
  const { volume } = found;
  return {
    microphone: text(found.microphone),
    speaker: text(found.speaker),
    volume: typeof volume === "number" && volume >= 0 && volume <= 1 ? volume : DEFAULTS.volume,
    mode: found.mode === "type" ? "type" : "talk",
    pushToTalk: flag(found.pushToTalk, DEFAULTS.pushToTalk),
    shortcuts: flag(found.shortcuts, DEFAULTS.shortcuts),
  };
}

let current: Choices | null = null;
const watchers = new Set<() => void>();

export function choices(): Choices {
  current ??= parseChoices(stored());
  return current;
}

/** Save some choices; without storage they last for this visit. */
export function choose(some: Partial<Choices>): void {
  current = { ...choices(), ...some };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // Storage is disabled or full.
  }
  for (const watcher of watchers) {
    watcher();
  }
}

export function useChoices(): Choices {
  return useSyncExternalStore(watch, choices);
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
