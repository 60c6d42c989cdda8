import type { BotOutputData, RTVIEventCallbacks } from "@pipecat-ai/client-js";
import { expect, test } from "vitest";
import { conversationCallbacks, endingIn } from "../src/call/messages";
import { BEFORE, type CallState, next } from "../src/call/state";

/** Play the agent's messages in the order of a real service. */
function played(play: (agent: RTVIEventCallbacks) => void): CallState {
  let state = BEFORE;
  play(
    conversationCallbacks((event) => {
      state = next(state, event);
    }),
  );
  return state;
}

const TEXT = "There is one table in Oslo.";
const output = (status: "new" | "completed"): BotOutputData => ({
  text: TEXT,
  segment_id: 4,
  will_be_spoken: true,
  spoken_status: status,
});

test("a question, a tool and an answer make three turns, each once", () => {
  const state = played((agent) => {
    agent.onUserStartedSpeaking?.();
    agent.onUserStoppedSpeaking?.();
    agent.onUserTranscript?.({ text: "a table in Oslo?", final: true, timestamp: "", user_id: "" });
    agent.onLLMFunctionCallInProgress?.({
      function_name: "find_table",
      tool_call_id: "a",
      arguments: { location: "Oslo" },
    });
    agent.onLLMFunctionCallStopped?.({
      function_name: "find_table",
      tool_call_id: "a",
      cancelled: false,
      result: JSON.stringify({ card: { title: "Table" } }),
    });
    agent.onBotStartedSpeaking?.();
    agent.onBotOutput?.(output("new"));
    agent.onBotOutput?.(output("completed"));
    agent.onBotStoppedSpeaking?.();
  });
  expect(state.items).toMatchObject([
    { kind: "visitor", text: "a table in Oslo?" },
    { kind: "card", tool: "find_table", given: { location: "Oslo" }, result: { card: { title: "Table" } } },
    { kind: "agent", sentences: [{ text: TEXT, heard: "said" }] },
  ]);
  expect(state.activity).toBe("listening");
});

test("what the agent is doing follows its messages", () => {
  const seen: string[] = [];
  let state = BEFORE;
  const agent = conversationCallbacks((event) => {
    state = next(state, event);
    seen.push(state.activity);
  });
  agent.onUserStoppedSpeaking?.();
  agent.onLLMFunctionCallInProgress?.({ function_name: "find_table", tool_call_id: "a" });
  agent.onLLMFunctionCallStopped?.({ tool_call_id: "a", cancelled: true });
  agent.onBotStartedSpeaking?.();
  agent.onBotStoppedSpeaking?.();
  expect([...new Set(seen)]).toEqual(["thinking", "using-tool", "speaking", "listening"]);
});

test("a tool that the service does not name is not shown", () => {
  const state = played((agent) => {
    agent.onLLMFunctionCallInProgress?.({ tool_call_id: "b" });
    agent.onLLMFunctionCallStopped?.({ tool_call_id: "b", cancelled: false });
  });
  expect(state.items).toEqual([]);
});

test("text without a number of its own is ignored: the same words come with one", () => {
  const { segment_id: _unnumbered, ...rest } = output("new");
  expect(played((agent) => agent.onBotOutput?.(rest)).items).toEqual([]);
});

test("the service's own sentence says why it ends", () => {
  const ended = { type: "session-ended", reason: "max_duration", message: "Ten minutes are over." };
  expect(endingIn(ended)).toBe("Ten minutes are over.");
  expect(endingIn({ data: ended })).toBe("Ten minutes are over.");
  expect(endingIn({ type: "session-ended" })).toBe("The agent ended the conversation.");
  expect(endingIn({ type: "else" })).toBeNull();
  expect(endingIn(null)).toBeNull();
});
