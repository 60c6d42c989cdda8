/** What the agent's messages (RTVI) mean for the page. */

import type { BotOutputData, LLMFunctionCallInProgressData, RTVIEventCallbacks } from "@pipecat-ai/client-js";
import type { ActivityEvent } from "../conversation/activity";
import type { Item } from "../conversation/items";
import type { TranscriptEvent } from "../conversation/transcript";
import { isWeatherTool, placeIn, readWeather } from "../weather/reading";
import { messageOf } from "./server-message";
import type { CallEvent } from "./state";

type Tell = (event: CallEvent) => void;

/** Turn Pipecat's callbacks into the page's events; `segments` are known from before, and numbered anew by the agent. */
export function conversationCallbacks(tell: Tell, segments = 0): RTVIEventCallbacks {
  const doing = (event: ActivityEvent) => (): void => tell({ type: "activity", event });
  const say = (event: TranscriptEvent): void => tell({ type: "transcript", event });
  return {
    onUserStartedSpeaking: () => {
      say({ type: "visitor-started" });
      doing("visitor-started")();
    },
    onUserStoppedSpeaking: doing("visitor-stopped"),
    onUserTranscript: ({ text, final }) => {
      say({ type: "visitor-said", text, final });
      doing("visitor-said")();
    },
    onBotLlmStarted: () => say({ type: "agent-answering" }),
    onBotStartedSpeaking: doing("agent-started"),
    onBotStoppedSpeaking: doing("agent-stopped"),
    onBotOutput: (output) => {
      const event = sentenceIn(output, segments);
      if (event) {
        say(event);
      }
    },
    ...weatherCallbacks(tell),
  };
}

/** Places are in the question, figures in the answer: remember the one until the other comes. */
function weatherCallbacks(tell: Tell): RTVIEventCallbacks {
  const places = new Map<string, string>();
  return {
    onLLMFunctionCallInProgress: (use: LLMFunctionCallInProgressData) => {
      if (isWeatherTool(use.function_name)) {
        const place = placeIn(use.arguments);
        places.set(use.tool_call_id, place);
        tell({ type: "transcript", event: { type: "weather-asked", call: use.tool_call_id, place } });
        tell({ type: "activity", event: "looking-up" });
      }
    },
    onLLMFunctionCallStopped: ({ tool_call_id: call, cancelled, result }) => {
      const place = places.get(call);
      if (place !== undefined) {
        const reading = cancelled ? null : readWeather(place, result);
        tell({ type: "transcript", event: { type: "weather-told", call, reading } });
        tell({ type: "activity", event: "looked-up" });
      }
    },
  };
}

/** Count the numbers of sentences that are in use. */
export function segmentsIn(items: readonly Item[]): number {
  const used = items.flatMap((item) =>
    item.kind === "agent" ? item.sentences.map((one) => one.segment) : [],
  );
  return Math.max(-1, ...used) + 1;
}

function sentenceIn(output: BotOutputData, segments: number): TranscriptEvent | null {
  const { text, segment_id: number, spoken_status: status, spoken_progress: progress } = output;
  if (number === undefined || text.trim() === "") {
    return null;
  }
  const segment = segments + number;
  const recorded = output.aggregated_by === "recording";
  const spoken = { type: "agent-sentence", segment, text, recorded } as const;
  if (status === "completed" || output.will_be_spoken === false) {
    return { ...spoken, heard: "said", characters: text.length };
  }
  const characters = progress?.accumulated_text.length ?? 0;
  return { ...spoken, heard: status === "in-progress" ? "speaking" : "planned", characters };
}

/** Tell whether the service asks the page to go on with the conversation elsewhere. */
export function pausedIn(message: unknown): boolean {
  return messageOf("session-paused", message) !== null;
}

/** Read the sentence with which the service says why it ends a conversation; null where it says something else. */
export function endingIn(message: unknown): string | null {
  const ended = messageOf("session-ended", message);
  if (ended === null) {
    return null;
  }
  return typeof ended.message === "string" ? ended.message : "The agent ended the conversation.";
}
