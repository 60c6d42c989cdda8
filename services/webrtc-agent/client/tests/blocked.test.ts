import { expect, test } from "vitest";
import { howToAllow } from "../src/media/blocked";

const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
const ANDROID = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko)";
const MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)";
const WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)";

test.each([
  ["Safari, iPhone", `${IPHONE} Version/18.5 Mobile/15E148 Safari/604.1`, 5, "Website Settings"],
  [
    "Chrome, iPhone",
    `${IPHONE} CriOS/138.0.0.0 Mobile/15E148 Safari/604.1`,
    5,
    "Settings app, choose Apps, Chrome,",
  ],
  ["Firefox, iPhone", `${IPHONE} FxiOS/140.0 Mobile/15E148 Safari/605.1.15`, 5, "Apps, Firefox,"],
  ["Edge, iPhone", `${IPHONE} Version/18.0 EdgiOS/138.0.0.0 Mobile/15E148 Safari/605.1.15`, 5, "Apps, Edge,"],
  ["in an app, iPhone", `${IPHONE} Mobile/15E148 Instagram 380.0`, 5, "Open the page in Safari"],
  ["Safari, iPad", `${MAC} Version/18.5 Safari/605.1.15`, 5, "Website Settings"],
  ["Safari, Mac", `${MAC} Version/18.5 Safari/605.1.15`, 0, "Settings for This Website"],
  [
    "Chrome, Android",
    `${ANDROID} Chrome/138.0.0.0 Mobile Safari/537.36`,
    5,
    "the icon left of the address, choose Permissions",
  ],
  [
    "Samsung",
    `${ANDROID} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36`,
    5,
    "the lock left of the address, choose Permissions",
  ],
  [
    "Firefox, Android",
    "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
    5,
    "tap Microphone until",
  ],
  [
    "in an app, Android",
    `${ANDROID.replace("Pixel 9", "Pixel 9; wv")} Version/4.0 Chrome/138.0 Mobile Safari/537.36`,
    5,
    "Open the page in Chrome",
  ],
  ["Chrome, Windows", `${WINDOWS} Chrome/138.0.0.0 Safari/537.36`, 0, "Click the icon left of the address"],
  [
    "Chrome, Windows with a touch screen",
    `${WINDOWS} Chrome/138.0.0.0 Safari/537.36`,
    10,
    "Click the icon left of the address",
  ],
  [
    "Firefox, desktop",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    0,
    "remove “Blocked”",
  ],
])(
  "a blocked microphone is allowed where this browser has it: %s",
  (_name, userAgent, maxTouchPoints, step) => {
    const words = howToAllow({ userAgent, maxTouchPoints });
    expect(words).toContain(step);
    expect(words).toMatch(/Then try again\. You can also type\.$/);
    expect(words.includes("icon left") && /iPhone/.test(userAgent)).toBe(false);
  },
);
