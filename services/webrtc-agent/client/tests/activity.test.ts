import { expect, test } from "vitest";
import { type Activity, type ActivityEvent, activityAfter } from "../src/conversation/activity";

test.each<[Activity, ActivityEvent, Activity]>([
  ["listening", "visitor-started", "hearing"],
  ["hearing", "visitor-stopped", "thinking"],
  ["thinking", "tool-called", "using-tool"],
  ["using-tool", "tool-returned", "thinking"],
  ["thinking", "agent-started", "speaking"],
  ["speaking", "agent-stopped", "listening"],
  ["speaking", "visitor-typed", "thinking"],
  ["thinking", "nothing-came", "listening"],
])("%s, then %s, is %s", (now, event, then) => {
  expect(activityAfter(now, event)).toBe(then);
});

test.each<[Activity, ActivityEvent]>([
  ["speaking", "tool-called"],
  ["speaking", "tool-returned"],
  ["thinking", "agent-stopped"],
  ["using-tool", "agent-stopped"],
  ["hearing", "agent-stopped"],
])("%s goes on although %s", (now, event) => {
  expect(activityAfter(now, event)).toBe(now);
});

test.each<[Activity, ActivityEvent]>([
  ["speaking", "agent-stopped"],
  ["using-tool", "nothing-came"],
  ["using-tool", "tool-returned"],
])("%s, then %s, uses a tool until it has returned", (now, event) => {
  expect(activityAfter(now, event, true)).toBe("using-tool");
});
