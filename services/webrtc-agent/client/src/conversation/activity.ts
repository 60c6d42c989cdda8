/** What the agent is doing right now, from what it reports. No I/O. */

export type Activity = "listening" | "hearing" | "thinking" | "looking-up" | "speaking";

export type ActivityEvent =
  | "visitor-started"
  | "visitor-stopped"
  | "visitor-said"
  | "visitor-typed"
  | "looked-up"
  | "looking-up"
  | "agent-started"
  | "agent-stopped"
  | "nothing-came";

const AFTER: Record<ActivityEvent, Activity> = {
  "visitor-started": "hearing",
  "visitor-stopped": "thinking",
  "visitor-said": "thinking",
  "visitor-typed": "thinking",
  "looking-up": "looking-up",
  "looked-up": "thinking",
  "agent-started": "speaking",
  "agent-stopped": "listening",
  "nothing-came": "listening",
};

/** Give the activity after an event; an agent that talks while it looks something up counts as talking. */
export function activityAfter(now: Activity, event: ActivityEvent): Activity {
  const stillTalks =
    now === "speaking" && (event === "looked-up" || event === "looking-up" || event === "visitor-said");
  return stillTalks ? now : AFTER[event];
}

export const ACTIVITY_WORDS: Record<Activity, string> = {
  listening: "Listening",
  hearing: "Hearing you",
  thinking: "Thinking",
  "looking-up": "Looking up the weather",
  speaking: "Speaking",
};
