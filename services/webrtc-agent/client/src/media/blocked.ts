/** How to allow a blocked microphone in each browser. No I/O. */

import { t } from "../texts/texts";

export interface Browser {
  readonly userAgent: string;
  /** An iPad reports itself as a Mac, but Macs have no touch screen. */
  readonly maxTouchPoints: number;
}

const APPS: readonly (readonly [RegExp, string])[] = [
  [/CriOS/, "Chrome"],
  [/FxiOS/, "Firefox"],
  [/EdgiOS/, "Edge"],
  [/GSA\//, "Google"],
  [/DuckDuckGo/, "DuckDuckGo"],
  [/OPT\/|OPiOS/, "Opera"],
];

/** Return the steps that allow the microphone in this browser. */
export function howToAllow(browser: Browser): string {
  return t("allow_steps", { steps: steps(browser) });
}

function steps({ userAgent, maxTouchPoints }: Browser): string {
  if (/iPhone|iPod|iPad/.test(userAgent) || (/Macintosh/.test(userAgent) && maxTouchPoints > 1)) {
    return onApple(userAgent);
  }
  if (/Android/.test(userAgent)) {
    return onAndroid(userAgent);
  }
  if (/Firefox\//.test(userAgent)) {
    return t("allow_firefox");
  }
  if (/Macintosh/.test(userAgent) && /Version\/[\d.]+ Safari/.test(userAgent)) {
    return t("allow_safari");
  }
  return t("allow_other");
}

function onApple(userAgent: string): string {
  const app = APPS.find(([mark]) => mark.test(userAgent))?.[1];
  if (app) {
    return t("allow_ios_app", { app });
  }
  if (/Safari\//.test(userAgent)) {
    return t("allow_ios_safari");
  }
  return t("allow_ios_inside");
}

function onAndroid(userAgent: string): string {
  if (/; wv\)|FBAN|FBAV|Instagram/.test(userAgent)) {
    return t("allow_android_inside");
  }
  if (/Firefox\//.test(userAgent)) {
    return t("allow_android_firefox");
  }
  return t(/SamsungBrowser/.test(userAgent) ? "allow_android_lock" : "allow_android_icon");
}
