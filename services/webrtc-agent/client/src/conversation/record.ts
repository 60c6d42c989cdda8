/** A transcript as plain lines, to save, send, restore, copy and download. No I/O. */

import { type AgentItem, type Item, isShown, shown, type VisitorItem } from "./items";

/** The text of one turn, with the role names of language models. */
export interface Line {
  readonly role: "user" | "assistant";
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Build a transcript from lines, oldest first. All of it is final; later events start new items. */
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

/** Return the text of both sides; for the agent, only what was heard. */
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
