/** How a visitor reaches a person, read from what the service sends. No I/O. */

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
  const told = message as Readonly<Record<string, unknown>> | null;
  if (typeof told !== "object" || told === null) {
    return null;
  }
  if (told.type !== "call-back") {
    return contactIn(told.data ?? null);
  }
  const number =
    typeof told.number === "string" && /^\+[1-9]\d{6,14}$/.test(told.number) ? told.number : null;
  const url = typeof told.url === "string" && /^https?:\/\//.test(told.url) ? told.url : null;
  if (typeof told.name !== "string" || (number === null && url === null)) {
    return null;
  }
  return { name: titled(told.name), number, url };
}

function titled(name: string): string {
  const words = name.replace(/[-_]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
