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

/** What happens beside an answer does not end it, and its end comes late where the visitor interrupted it. */
const BESIDE: Partial<Record<Activity, readonly ActivityEvent[]>> = {
  speaking: ["looked-up", "looking-up", "visitor-said"],
  hearing: ["agent-stopped"],
  thinking: ["agent-stopped"],
  "looking-up": ["agent-stopped", "visitor-said"],
};

/** Give the activity after an event; a look-up that goes on is what an agent without a word is doing. */
export function activityAfter(now: Activity, event: ActivityEvent, lookingUp = false): Activity {
  const after = BESIDE[now]?.includes(event) ? now : AFTER[event];
  return lookingUp && (after === "listening" || after === "thinking") ? "looking-up" : after;
}

/** What says more about the moment than the agent's reports do. */
export interface Moment {
  readonly activity: Activity;
  /** The microphone hears a voice; the model reports it only with the turn. */
  readonly voice: boolean;
  /** No sound is heard: the answer stands there, and the next question can be typed. */
  readonly silent: boolean;
}

/** Give the activity to show. Turns are the model's: what is heard here only shows sooner. */
export function shownActivity({ activity, voice, silent }: Moment): Activity {
  if (voice && (activity === "listening" || activity === "speaking")) {
    return "hearing";
  }
  return silent && activity === "speaking" ? "listening" : activity;
}

export const ACTIVITY_WORDS: Record<Activity, string> = {
  listening: "Listening",
  hearing: "Hearing you",
  thinking: "Thinking",
  "looking-up": "Looking up the weather",
  speaking: "Speaking",
};
