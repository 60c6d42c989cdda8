/** How a visitor reaches a person, from the service's message. No I/O. */

import { messageOf } from "../call/server-message";

export interface Contact {
  /** The display name: "Front desk" for `front-desk`. */
  readonly name: string;
  /** `+` and digits. */
  readonly number: string | null;
  /** A page where the visitor can request a call-back. */
  readonly url: string | null;
}

/** Parse a message of the service; null if it is another message or has no usable contact. */
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
