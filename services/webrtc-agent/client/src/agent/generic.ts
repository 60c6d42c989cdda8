/** The card of an agent that brings none of its own: what its tool returned as `card`. */

import { t } from "../texts/texts";
import type { AgentCard } from "./card";
import { GenericCard } from "./GenericCard";
import { shownIn } from "./shown";

export const GENERIC: AgentCard = {
  serves: () => true,
  get busy() {
    return t("busy_tool");
  },
  isShown: (use) => shownIn(use) !== null,
  asks: () => false,
  inWords: (use) => {
    const { title, value, rows } = shownIn(use) ?? { title: "", value: "", rows: [] };
    const head = [title, value].filter((each) => each !== "").join(": ");
    return [head, ...rows.map(([label, what]) => `${label} ${what}`)].join(", ");
  },
  Card: GenericCard,
};
