/** Shows the page in any state without a call: `npm run dev`, then /dev/gallery.html?state=speaking&theme=dark&agent=restaurant&language=de. */

import { createRoot } from "react-dom/client";
import { loadCards } from "../src/agent/cards";
import { dress } from "../src/agent/dress";
import { type AgentPage, describe } from "../src/agent/page";
import { App } from "../src/app/App";
import type { Call } from "../src/call/call";
import { showTheme, type Theme } from "../src/controls/theme";
import { readNotice, showNotice } from "../src/notice/notice";
import { language, loadTexts } from "../src/texts/texts";
import { STATES } from "./states";
import "../src/styles/index.css";

const asked = new URLSearchParams(location.search);
const state = STATES[asked.get("state") ?? "before"] ?? STATES.before;

const AGENTS: Readonly<Record<string, Partial<AgentPage>>> = {
  weather: {
    id: "weather",
    title: "Weather by voice",
    welcome: "Ask about the weather.",
    questions: ["What is the weather in Stockholm?", "Will it rain in Lisbon tomorrow?"],
  },
  restaurant: {
    id: "restaurant",
    title: "Bella Cucina",
    welcome: "Book a table, change it or cancel it.",
    placeholder: "Type to the restaurant",
    questions: ["I would like to book a table for two on Friday evening", "What are your opening hours?"],
    colors: { accent: "#b3261e", accentDark: "#ffb4ab" },
  },
};
const agent = AGENTS[asked.get("agent") ?? "weather"] ?? {};
describe(agent);
dress();
void loadCards();
showTheme((asked.get("theme") ?? "system") as Theme);

const notice = readNotice({
  version: "gallery",
  mode: asked.get("notice") ?? "notice",
  operator: "Bob's Bakery",
  summary: "What you say is processed by Amazon in Stockholm, Sweden and is not recorded.",
  details: [
    {
      title: "An AI",
      text: "You are talking with an AI, a computer program with a synthetic voice. It can be wrong.",
    },
    { title: "Who runs it", text: "Bob's Bakery" },
    {
      title: "Your voice",
      text: "It is processed by Amazon Bedrock's speech model in the AWS region eu-north-1, only while you talk.",
    },
    { title: "What is kept", text: "No audio is recorded, and what is said is not written down." },
  ],
  phone: "+46850000000",
  rating: true,
  comment: true,
  call_me: { prefixes: ["+46", "+49"], from: "+46850000001" },
  links: [
    { title: "Privacy", url: "https://example.com/privacy" },
    { title: "Terms", url: "https://example.com/terms" },
  ],
});
if (notice) {
  showNotice(notice);
}

const nothing = (): void => undefined;
const call = {
  subscribe: () => nothing,
  snapshot: () => state,
  talk: nothing,
  again: nothing,
  open: nothing,
  type: nothing,
  mute: nothing,
  silence: nothing,
  addMicrophone: nothing,
  pushToTalk: nothing,
  hold: nothing,
  voice: nothing,
  dismiss: nothing,
  showItems: nothing,
  hangUp: nothing,
} as unknown as Call;

const root = document.getElementById("root");
if (root) {
  await loadTexts(asked.get("language") ?? "en");
  document.documentElement.lang = language();
  createRoot(root).render(<App call={call} />);
}
