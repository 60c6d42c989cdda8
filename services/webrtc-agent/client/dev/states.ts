/** One example of each state of the page. */

import type { Fields } from "../src/agent/card";
import { BEFORE, type CallState, next } from "../src/call/state";
import type { Item } from "../src/conversation/items";
import { follow, type TranscriptEvent } from "../src/conversation/transcript";
import { deviceChange, type ProblemKind, problem } from "../src/problems/problems";

const STOCKHOLM = {
  conditions: "partly_cloudy",
  temperature: 4,
  format: "celsius",
  timestamp: "20261123_150000",
  feels_like: 1,
  humidity_percent: 78,
  wind_kmh: 14,
  precipitation_mm: 0,
  is_day: true,
  next_hours: [
    [16, 4, "partly_cloudy"],
    [17, 3, "overcast"],
    [18, 3, "drizzle"],
    [19, 2, "rain"],
    [20, 2, "rain"],
    [21, 1, "snow"],
    [22, 0, "mostly_clear"],
    [23, -1, "clear"],
  ].map(([hour, temperature, conditions]) => ({ hour, temperature, conditions })),
};
const SPRINGFIELD = (region: string) => ({ name: "Springfield", region, country: "United States" });
const ILLINOIS = {
  ...STOCKHOLM,
  place: SPRINGFIELD("Illinois"),
  temperature: 55,
  feels_like: 52,
  format: "fahrenheit",
  wind_kmh: undefined,
  wind_mph: 9,
  precipitation_mm: undefined,
  precipitation_in: 0.02,
  next_hours: STOCKHOLM.next_hours.map((hour) => ({ ...hour, temperature: Number(hour.temperature) + 51 })),
};
const LISBON = {
  day: "2026-11-24",
  place: { name: "Lisbon", region: "Lisbon", country: "Portugal" },
  weekday: "tuesday",
  conditions: "rain_showers",
  temperature_high: 17,
  temperature_low: 11,
  precipitation_probability_percent: 70,
  precipitation_mm: 6.2,
  wind_kmh: 22,
  format: "celsius",
};

const sentence = (segment: number, text: string, heard: "planned" | "said"): TranscriptEvent => ({
  type: "agent-sentence",
  segment,
  text,
  heard,
  characters: 0,
});
const asked = (call: string, location: string): TranscriptEvent => ({
  type: "tool-called",
  call,
  tool: "get_current_weather",
  given: { location },
});
const lookedUp = (call: string, place: string, answer: object): TranscriptEvent[] => [
  asked(call, place),
  { type: "tool-returned", call, result: answer as Fields },
];
const said = (text: string): TranscriptEvent => ({ type: "visitor-said", text, final: true });

const HELLO = sentence(1, "Hello! Ask me about the weather anywhere in the world.", "said");
const QUESTION = said("What is the weather in Stockholm?");
const CARD = lookedUp("a", "Stockholm, Sweden", STOCKHOLM);
const ANSWER = [
  sentence(2, "Right now in Stockholm it is 4 degrees and partly cloudy.", "said"),
  sentence(3, "With the wind it feels more like 1 degree.", "planned"),
  sentence(4, "Later tonight some rain may turn into snow.", "planned"),
];

const NOON = Date.UTC(2026, 10, 23, 12);
const items = (...events: TranscriptEvent[]): readonly Item[] =>
  events.reduce<readonly Item[]>(
    (before, event, at) => follow(before, event, { at: NOON + at * 1000, sounding: true }),
    [],
  );
const device = (deviceId: string, label: string): MediaDeviceInfo => ({ deviceId, label }) as MediaDeviceInfo;
const live = (state: Partial<CallState>): CallState => ({
  ...BEFORE,
  phase: "live",
  devices: {
    microphones: [device("one", "Built-in microphone"), device("two", "Headset")],
    speakers: [device("three", "Built-in speakers")],
    microphone: "one",
    speaker: "three",
  },
  ...state,
});
const failed = (kind: ProblemKind, wait: number | null = null): CallState => ({
  ...BEFORE,
  problem: problem(kind, { wait }),
});
const WHOLE = items(HELLO, QUESTION, ...CARD, ...ANSWER);

/** What an agent without cards of its own shows. */
const BOOKING: readonly TranscriptEvent[] = [
  { type: "tool-called", call: "t", tool: "book_table", given: {} },
  {
    type: "tool-returned",
    call: "t",
    result: {
      card: {
        title: "Table booked",
        value: "Friday, December 4, 7:30 PM",
        rows: [
          ["People", "2"],
          ["Name", "Rossi"],
          ["Reference", "K7M2"],
        ],
      },
    },
  },
];

export const STATES: Readonly<Record<string, CallState>> = {
  before: BEFORE,
  permission: { ...BEFORE, phase: "asking" },
  microphone: { ...BEFORE, phase: "microphone" },
  connecting: { ...BEFORE, phase: "connecting" },
  listening: live({ items: items(HELLO) }),
  hearing: live({ items: items(HELLO), activity: "hearing" }),
  muted: live({ items: items(HELLO), muted: true }),
  unheard: live({ items: items(HELLO), heard: false }),
  thinking: live({ items: items(HELLO, QUESTION), activity: "thinking" }),
  "using-tool": live({
    items: items(HELLO, QUESTION, asked("a", "Stockholm, Sweden")),
    activity: "using-tool",
  }),
  speaking: live({ items: WHOLE, activity: "speaking" }),
  typed: live({
    items: items(
      HELLO,
      { type: "visitor-typed", text: "and lisbon tomorrow?" },
      ...lookedUp("b", "Lisbon", LISBON),
      {
        ...ANSWER[0],
        text: "Tomorrow in Lisbon expect rain showers, between 11 and 17 degrees.",
      } as TranscriptEvent,
    ),
    typing: true,
    silent: true,
  }),
  silent: live({ items: WHOLE, silent: true }),
  interrupted: live({
    items: items(HELLO, QUESTION, ...CARD, ...ANSWER, { type: "agent-cut" }, said("And in Oslo?")),
  }),
  booked: live({
    items: items(
      sentence(1, "Hello! How can I help?", "said"),
      said("I would like to book a table for two on Friday evening"),
      ...BOOKING,
      sentence(2, "Your table for two is booked for Friday at half past seven.", "said"),
    ),
  }),
  "not-found": live({
    items: items(
      HELLO,
      said("What is the weather in Atlantis?"),
      ...lookedUp("c", "Atlantis", { error: "location_not_found" }),
    ),
  }),
  person: live({
    items: items(
      HELLO,
      said("I want to talk to a human"),
      {
        type: "contact-shown",
        contact: { name: "Reception", number: "+46850000000", url: "https://example.com/call-me" },
      },
      sentence(5, "You can call our reception, the number is on the page now.", "said"),
    ),
  }),
  which: live({
    items: items(
      HELLO,
      said("what is the weather in springfield"),
      ...lookedUp("d", "Springfield", {
        places: ["Missouri", "Massachusetts", "Illinois", "Oregon"].map(SPRINGFIELD),
      }),
      sentence(
        5,
        "Which Springfield do you mean, the one in Missouri, in Massachusetts or in Illinois?",
        "said",
      ),
      said("the one in illinois"),
      ...lookedUp("e", "Springfield, Illinois", ILLINOIS),
      sentence(6, "It is 55 degrees Fahrenheit and partly cloudy in Springfield, Illinois.", "said"),
    ),
  }),
  slow: live({
    items: items(HELLO, QUESTION, asked("f", "Stockholm"), {
      ...sentence(7, "Let me look that up.", "said"),
      recorded: true,
    } as TranscriptEvent),
    activity: "using-tool",
  }),
  again: next(
    live({
      items: items(
        HELLO,
        QUESTION,
        ...CARD,
        ...ANSWER,
        { type: "closed" },
        { type: "opened" },
        HELLO,
        said("thank you"),
        sentence(8, "You are welcome.", "said"),
      ),
    }),
    { type: "stopped", ending: "You ended the conversation.", problem: null },
  ),
  reconnecting: live({ items: WHOLE, phase: "reconnecting" }),
  ended: next(live({ items: WHOLE, session: "gallery" }), {
    type: "stopped",
    ending: "You ended the conversation.",
    problem: null,
  }),
  lost: next(live({ items: WHOLE }), { type: "stopped", ending: null, problem: problem("lost") }),
  "microphone-lost": live({ items: WHOLE, problem: problem("microphone-lost") }),
  "microphone-changed": live({ items: WHOLE, problem: deviceChange("microphone", "Built-in microphone") }),
  denied: failed("denied"),
  "no-microphone": failed("no-microphone"),
  insecure: failed("insecure"),
  busy: failed("busy", 15),
  closed: failed("closed"),
  consent: failed("consent"),
  waiting: next(next(BEFORE, { type: "opening", phase: "connecting", typing: false }), {
    type: "waiting",
    place: { ticket: "", position: 3, seconds: 75, every: 2 },
  }),
  next: next(next(BEFORE, { type: "opening", phase: "connecting", typing: false }), {
    type: "waiting",
    place: { ticket: "", position: 1, seconds: 20, every: 2 },
  }),
  limited: failed("limited", 42),
  unreachable: failed("unreachable"),
  "no-route": failed("no-route"),
  daily: failed("daily"),
  unsupported: failed("unsupported"),
};
