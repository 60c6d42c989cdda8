/** How to allow a blocked microphone in each browser. No I/O. */

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
  return `This page is not allowed to use the microphone. ${steps(browser)} Then try again. You can also type.`;
}

function steps({ userAgent, maxTouchPoints }: Browser): string {
  if (/iPhone|iPod|iPad/.test(userAgent) || (/Macintosh/.test(userAgent) && maxTouchPoints > 1)) {
    return onApple(userAgent);
  }
  if (/Android/.test(userAgent)) {
    return onAndroid(userAgent);
  }
  if (/Firefox\//.test(userAgent)) {
    return "Click the crossed-out microphone or the lock left of the address, and remove “Blocked”.";
  }
  if (/Macintosh/.test(userAgent) && /Version\/[\d.]+ Safari/.test(userAgent)) {
    return "In the menu bar choose Safari, Settings for This Website, and set Microphone to “Allow”.";
  }
  return "Click the icon left of the address and switch Microphone on.";
}

function onApple(userAgent: string): string {
  const app = APPS.find(([mark]) => mark.test(userAgent))?.[1];
  if (app) {
    return `Open the Settings app, choose Apps, ${app}, and switch Microphone on.`;
  }
  if (/Safari\//.test(userAgent)) {
    return "Tap the page menu in the address bar (“aA” or the small page), choose Website Settings, and set Microphone to “Allow”.";
  }
  return "This app cannot use the microphone. Open the page in Safari.";
}

function onAndroid(userAgent: string): string {
  if (/; wv\)|FBAN|FBAV|Instagram/.test(userAgent)) {
    return "This app cannot use the microphone. Open the page in Chrome.";
  }
  if (/Firefox\//.test(userAgent)) {
    return "Tap the lock left of the address, and tap Microphone until it says “Allowed”.";
  }
  const where = /SamsungBrowser/.test(userAgent) ? "the lock" : "the icon";
  return `Tap ${where} left of the address, choose Permissions, and switch Microphone on.`;
}
