/** A transcript as plain lines: to be kept, sent, restored, copied and downloaded. No I/O. */

import { type AgentItem, type Item, isShown, shown, type VisitorItem } from "./items";

/** Words of one turn, with the names of the two sides that language models use. */
export interface Line {
  readonly role: "user" | "assistant";
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Build a transcript from lines, oldest first: all of it has been said, and nothing that comes later joins it. */
export function transcriptOf(lines: readonly Line[]): readonly Item[] {
  return lines
    .map((line) => ({ ...line, text: line.text.trim() }))
    .filter((line) => line.text !== "")
    .map((line, id) => (line.role === "user" ? visitorItem(line, id) : agentItem(line, id)));
}

function visitorItem({ text, at }: Line, id: number): VisitorItem {
  return { kind: "visitor", id, at, text, typed: false, final: true };
}

function agentItem({ text, at }: Line, id: number): AgentItem {
  // Negative numbers: the service numbers its own sentences from zero.
  const sentence = { segment: -1 - id, text, heard: "said", characters: text.length } as const;
  return {
    kind: "agent",
    id,
    at,
    sentences: [sentence],
    silentSince: Number.NEGATIVE_INFINITY,
    interrupted: false,
  };
}

/** Return the words of both sides: of the agent's, those that were heard. */
export function linesOf(items: readonly Item[]): readonly Line[] {
  return items.filter(isShown).flatMap((item): readonly Line[] => {
    if (item.kind === "visitor") {
      return [{ role: "user", text: item.text, at: item.at }];
    }
    if (item.kind !== "agent") {
      return [];
    }
    const text = shown(item.sentences)
      .map((one) => one.text)
      .join(" ");
    return [{ role: "assistant", text, at: item.at }];
  });
}
