/** How a conversation reads where no sound is heard: a sentence is said once it stands there. No I/O. */

import type { TranscriptEvent } from "./transcript";

/** Give an event as it is for a visitor who reads. */
export function asRead(event: TranscriptEvent): TranscriptEvent {
  return event.type === "agent-sentence" ? { ...event, heard: "said", characters: event.text.length } : event;
}
