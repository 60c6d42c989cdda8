/** Transcript events for a visitor who only reads: a sentence is complete when it is shown. No I/O. */

import type { TranscriptEvent } from "./transcript";

/** Return an event as it applies to a visitor who reads. */
export function asRead(event: TranscriptEvent): TranscriptEvent {
  return event.type === "agent-sentence" ? { ...event, heard: "said", characters: event.text.length } : event;
}
