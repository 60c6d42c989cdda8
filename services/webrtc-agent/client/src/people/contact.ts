/** How a visitor reaches a person, read from what the service sends. No I/O. */

import { messageOf } from "../call/server-message";

export interface Contact {
  /** As it is shown: "Front desk" for `front-desk`. */
  readonly name: string;
  /** `+` and digits. */
  readonly number: string | null;
  /** A page where a call-back can be asked for. */
  readonly url: string | null;
}

/** Read a message of the service; null where it is about something else, or offers nothing that can be used. */
export function contactIn(message: unknown): Contact | null {
  const card = messageOf("call-back", message);
  if (card === null) {
    return null;
  }
  const number =
    typeof card.number === "string" && /^\+[1-9]\d{6,14}$/.test(card.number) ? card.number : null;
  const url = typeof card.url === "string" && /^https?:\/\//.test(card.url) ? card.url : null;
  if (typeof card.name !== "string" || (number === null && url === null)) {
    return null;
  }
  return { name: titled(card.name), number, url };
}

function titled(name: string): string {
  const words = name.replace(/[-_]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
