/** The transcript as text, for copy and download. No I/O. */

import { cardOf } from "../agent/cards";
import type { Formats } from "../locale/locale";
import { t } from "../texts/texts";
import { type AgentItem, type Item, isShown, shown } from "./items";

/** Return the transcript as text: one paragraph per turn, each with its time. */
export function asText(items: readonly Item[], formats: Formats): string {
  const visible = items.filter(isShown);
  const began = visible[0];
  if (!began) {
    return "";
  }
  const head = began.kind === "opening" ? [] : [formats.moment(began.at)];
  return `${[...head, ...visible.map((item) => paragraph(item, formats))].join("\n\n")}\n`;
}

function paragraph(item: Item, formats: Formats): string {
  const time = formats.time(item.at);
  switch (item.kind) {
    case "opening":
      return t("line_new", { time: formats.moment(item.at) });
    case "visitor":
      return t(item.typed ? "line_typed" : "line_you", { time, words: item.text });
    case "agent":
      return t("line_agent", { time, words: spoken(item) });
    case "card":
      return `[${time}] ${cardOf(item).inWords(item, formats)}`;
    case "contact": {
      const { name, number, url } = item.contact;
      return `[${time}] ${[t("person_named", { name }), number, url].filter((each) => each !== null).join(", ")}`;
    }
  }
}

const spoken = (item: AgentItem): string =>
  shown(item.sentences)
    .map((one) => (one.heard === "cut" ? t("line_cut", { words: one.text }) : one.text))
    .join(" ");
