import { expect, test } from "vitest";
import { type Activity, type ActivityEvent, activityAfter } from "../src/conversation/activity";

test.each<[Activity, ActivityEvent, Activity]>([
  ["listening", "visitor-started", "hearing"],
  ["hearing", "visitor-stopped", "thinking"],
  ["thinking", "looking-up", "looking-up"],
  ["looking-up", "looked-up", "thinking"],
  ["thinking", "agent-started", "speaking"],
  ["speaking", "agent-stopped", "listening"],
  ["speaking", "visitor-typed", "thinking"],
  ["thinking", "nothing-came", "listening"],
])("%s, then %s, is %s", (now, event, then) => {
  expect(activityAfter(now, event)).toBe(then);
});

test.each<[Activity, ActivityEvent]>([
  ["speaking", "looking-up"],
  ["speaking", "looked-up"],
  ["thinking", "agent-stopped"],
  ["looking-up", "agent-stopped"],
  ["hearing", "agent-stopped"],
])("%s goes on although %s", (now, event) => {
  expect(activityAfter(now, event)).toBe(now);
});

test.each<[Activity, ActivityEvent]>([
  ["speaking", "agent-stopped"],
  ["looking-up", "nothing-came"],
  ["looking-up", "looked-up"],
])("%s, then %s, is looking up while a look-up goes on", (now, event) => {
  expect(activityAfter(now, event, true)).toBe("looking-up");
});
