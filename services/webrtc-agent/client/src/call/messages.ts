/** Translate the agent's messages (RTVI) into events of the page. */

import type { BotOutputData, LLMFunctionCallInProgressData, RTVIEventCallbacks } from "@pipecat-ai/client-js";
import { fieldsOf } from "../agent/card";
import { loadCards } from "../agent/cards";
import type { ActivityEvent } from "../conversation/activity";
import type { Item } from "../conversation/items";
import type { TranscriptEvent } from "../conversation/transcript";
import { t } from "../texts/texts";
import { messageOf } from "./server-message";
import type { CallEvent } from "./state";

type Tell = (event: CallEvent) => void;

/** Return callbacks that emit the page's events; `segments` counts earlier sentences, because the agent numbers from zero. */
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
    ...toolCallbacks(tell),
  };
}

/** Report the tools whose values the service shows to visitors; it names no others. */
function toolCallbacks(tell: Tell): RTVIEventCallbacks {
  const shown = new Set<string>();
  return {
    onLLMFunctionCallInProgress: (use: LLMFunctionCallInProgressData) => {
      const { function_name: tool, tool_call_id: call } = use;
      if (tool !== undefined) {
        shown.add(call);
        void loadCards();
        const given = fieldsOf(use.arguments);
        tell({ type: "transcript", event: { type: "tool-called", call, tool, given } });
        tell({ type: "activity", event: "tool-called" });
      }
    },
    onLLMFunctionCallStopped: ({ tool_call_id: call, cancelled, result }) => {
      if (shown.delete(call)) {
        const returned = cancelled ? null : fieldsOf(result);
        tell({ type: "transcript", event: { type: "tool-returned", call, result: returned } });
        tell({ type: "activity", event: "tool-returned" });
      }
    },
  };
}

/** Return the first sentence number that is not in use. */
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

/** Return whether the service asks the page to continue the conversation on another task. */
export function pausedIn(message: unknown): boolean {
  return messageOf("session-paused", message) !== null;
}

/** Return the sentence with which the service ends a conversation; null for any other message. */
export function endingIn(message: unknown): string | null {
  const ended = messageOf("session-ended", message);
  if (ended === null) {
    return null;
  }
  return typeof ended.message === "string" ? ended.message : t("agent_ended");
}
