/** The agents' own icons, by their address: only the text of the addresses is in the page. */

import { agentPage } from "./page";

const ICONS = import.meta.glob<string>("../../../../../agents/*/page/icon.svg", {
  query: "?url",
  import: "default",
  eager: true,
});

/** Return the address of an agent's icon; null if it has none. */
export function iconOf(agent: string = agentPage().id): string | null {
  return ICONS[`../../../../../agents/${agent}/page/icon.svg`] ?? null;
}
