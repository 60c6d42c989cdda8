/** Formats for times, dates and numbers, in the page's language and as in the visitor's region. No I/O. */

import { language } from "../texts/texts";

export interface Formats {
  /** The locale for the service, which chooses units by its region: `en-US`. */
  readonly tag: string;
  /** A time on the visitor's clock: "3:05 PM" or "15:05". */
  readonly time: (at: number) => string;
  /** A time with its day: "Monday, November 23, 3:05 PM". */
  readonly moment: (at: number) => string;
  /** A time on any clock, given as `15:05`. */
  readonly clock: (hoursAndMinutes: string) => string;
  /** A full hour: "3 PM" or "15:00". */
  readonly hour: (hour: number) => string;
  /** The shortest form, below a chart: "3 PM" or "15". */
  readonly shortHour: (hour: number) => string;
  /** A date, given as `2026-11-24`: "Tuesday, November 24" or "Tuesday 24 November". */
  readonly day: (date: string) => string;
  /** A number, with this region's decimal sign. */
  readonly number: (value: number) => string;
}

/**
 * Return the formats for a list of languages, the preferred one first; invalid ones are skipped.
 *
 * @param page - Language of the page's words.
 */
export function formatsFor(languages: readonly string[], page = "en"): Formats {
  const read = languages.flatMap(readable);
  const chosen = read[0] ?? new Intl.Locale("en-US");
  const region = chosen.region ?? chosen.maximize().region ?? "US";
  const words = localeOf(page, region, read);
  // Anyone may read a page in English, with the clock of their own region. Who reads German knows the German clock.
  const clocked = words.startsWith("en") ? chosen.toString() : words;
  const { hourCycle } = new Intl.DateTimeFormat(clocked, { hour: "numeric" }).resolvedOptions();
  const is24 = hourCycle === "h23" || hourCycle === "h24";
  const format = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
    new Intl.DateTimeFormat(words, {
      ...options,
      ...("hour" in options ? { hourCycle: is24 ? "h23" : "h12" } : {}),
    });
  const minutes = { hour: is24 ? "2-digit" : "numeric", minute: "2-digit" } as const;
  const date = { weekday: "long", day: "numeric", month: "long" } as const;
  const own = format(minutes);
  const whole = format({ ...date, ...minutes });
  const there = format({ ...minutes, timeZone: "UTC" });
  const onTheHour = format({ hour: "numeric", timeZone: "UTC" });
  const day = format({ ...date, timeZone: "UTC" });
  const numbers = new Intl.NumberFormat(words, { maximumFractionDigits: 2 });
  const hour = (value: number): string =>
    is24 ? `${String(value).padStart(2, "0")}:00` : onTheHour.format(Date.UTC(2000, 0, 1, value));
  return {
    tag: `${chosen.language}-${region}`,
    time: (at) => own.format(at),
    moment: (at) => whole.format(at),
    clock: (text) => {
      const [hours = 0, past = 0] = text.split(":").map(Number);
      return there.format(Date.UTC(2000, 0, 1, hours, past));
    },
    hour,
    shortHour: (value) => (is24 ? String(value).padStart(2, "0") : hour(value)),
    day: (text) => day.format(Date.parse(`${text}T00:00Z`)),
    number: (value) => numbers.format(value).replace("-", "\u2212"),
  };
}

/** Return the locale of the page's words: in English of the visitor's region, otherwise the visitor's own variant. */
function localeOf(page: string, region: string, read: readonly Intl.Locale[]): string {
  const { language: wanted } = new Intl.Locale(page);
  return wanted === "en" ? `en-${region}` : (read.find((one) => one.language === wanted)?.toString() ?? page);
}

function readable(language: string): Intl.Locale[] {
  try {
    return [new Intl.Locale(language)];
  } catch {
    return [];
  }
}

let known: { from: string; formats: Formats } | null = null;

/** Return the formats of this browser and this page. */
export function formats(): Formats {
  const from = [language(), ...navigator.languages].join(",");
  if (known?.from !== from) {
    known = { from, formats: formatsFor(navigator.languages, language()) };
  }
  return known.formats;
}
