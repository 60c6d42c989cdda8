/** A card: what a conversation shows of one call of a tool. An agent brings its own kind in `agents/<id>/page/card.tsx`. */

import type { ComponentType } from "react";
import type { Formats } from "../locale/locale";

export type Fields = Readonly<Record<string, unknown>>;

/** One call of a tool, as the service reports it. Tools whose values a visitor must not see are not reported. */
export interface ToolUse {
  readonly tool: string;
  readonly given: Fields;
  /** Null until the tool has returned. */
  readonly result: Fields | null;
}

export interface CardProps {
  readonly use: ToolUse;
  /** Answers what the card asks, as if the visitor had typed it; null unless the agent waits for that. */
  readonly onChoose: ((words: string) => void) | null;
}

/** A kind of card. An agent exports its own as `card`. */
export interface AgentCard {
  /** Whether it shows the calls of this tool; the others get the generic card. */
  readonly serves: (tool: string) => boolean;
  /** What the agent does during such a call, in two to four words. */
  readonly busy: string;
  /** Whether there is anything to show, during the call and after it. */
  readonly isShown: (use: ToolUse) => boolean;
  /** Whether the visitor can choose something on it. */
  readonly asks: (use: ToolUse) => boolean;
  /** The whole card in one line, for the transcript as text. */
  readonly inWords: (use: ToolUse, formats: Formats) => string;
  readonly Card: ComponentType<CardProps>;
}

/** Parse what a transport forwards: objects, or JSON as text. Anything else is an empty object. */
export function fieldsOf(value: unknown): Fields {
  if (typeof value === "string") {
    try {
      return fieldsOf(JSON.parse(value));
    } catch {
      return {};
    }
  }
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
