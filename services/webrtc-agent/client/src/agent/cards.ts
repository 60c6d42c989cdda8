/** Which card shows a call of a tool: the agent's own one, or the generic one. */

import { useSyncExternalStore } from "react";
import type { AgentCard, ToolUse } from "./card";
import { GENERIC } from "./generic";
import { agentPage } from "./page";

/** Each agent's cards are a chunk of their own: a page loads only those of its agent. */
const CARDS = import.meta.glob<{ readonly card: AgentCard }>("../../../../../agents/*/page/card.tsx");

let own: AgentCard | null = null;
const watchers = new Set<() => void>();

/** Load the agent's own cards, if it has some; when that fails, the generic one is shown and the next call tries again. */
export async function loadCards(agent = agentPage().id): Promise<void> {
  const load = own === null && agent !== "" && CARDS[`../../../../../agents/${agent}/page/card.tsx`];
  if (load) {
    const loaded = await load().catch(() => null);
    if (loaded !== null) {
      showCards(loaded.card);
    }
  }
}

/** Show an agent's cards, or only generic ones. */
export function showCards(card: AgentCard | null): void {
  own = card;
  for (const watcher of watchers) {
    watcher();
  }
}

/** Return the kind of card that shows a tool's calls. */
export const cardOf = ({ tool }: Pick<ToolUse, "tool">): AgentCard => (own?.serves(tool) ? own : GENERIC);

const subscribe = (watcher: () => void): (() => void) => {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
};

/** Return the loaded kind; a component that uses it is drawn again when the cards have arrived. */
export const useOwnCards = (): AgentCard | null => useSyncExternalStore(subscribe, () => own);
