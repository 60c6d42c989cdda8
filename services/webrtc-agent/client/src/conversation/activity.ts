/** The agent's current activity, derived from its reports. No I/O. */

export type Activity = "listening" | "hearing" | "thinking" | "using-tool" | "speaking";

export type ActivityEvent =
  | "visitor-started"
  | "visitor-stopped"
  | "visitor-said"
  | "visitor-typed"
  | "tool-called"
  | "tool-returned"
  | "agent-started"
  | "agent-stopped"
  | "nothing-came";

const AFTER: Record<ActivityEvent, Activity> = {
  "visitor-started": "hearing",
  "visitor-stopped": "thinking",
  "visitor-said": "thinking",
  "visitor-typed": "thinking",
  "tool-called": "using-tool",
  "tool-returned": "thinking",
  "agent-started": "speaking",
  "agent-stopped": "listening",
  "nothing-came": "listening",
};

/** Events that leave an activity unchanged: they happen during an answer, or report its end late after an interruption. */
const BESIDE: Partial<Record<Activity, readonly ActivityEvent[]>> = {
  speaking: ["tool-returned", "tool-called", "visitor-said"],
  hearing: ["agent-stopped"],
  thinking: ["agent-stopped"],
  "using-tool": ["agent-stopped", "visitor-said"],
};

/** Return the activity after an event; while the agent says nothing, a running tool is its activity. */
export function activityAfter(now: Activity, event: ActivityEvent, usingTool = false): Activity {
  const after = BESIDE[now]?.includes(event) ? now : AFTER[event];
  return usingTool && (after === "listening" || after === "thinking") ? "using-tool" : after;
}

/** What the page knows beyond the agent's reports. */
export interface Moment {
  readonly activity: Activity;
  /** The microphone picks up a voice; the model reports it only with the turn. */
  readonly voice: boolean;
  /** No audio is played: the answer is shown at once, and the visitor can type the next question. */
  readonly silent: boolean;
}

/** Return the activity to show. The model decides turns; local voice detection only shows them sooner. */
export function shownActivity({ activity, voice, silent }: Moment): Activity {
  if (voice && (activity === "listening" || activity === "speaking")) {
    return "hearing";
  }
  return silent && activity === "speaking" ? "listening" : activity;
}
