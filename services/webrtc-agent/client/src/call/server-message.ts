/** Messages from the service to the page. No I/O. */

/**
 * Return a message's content if it has this type, otherwise null.
 *
 * Pipecat's client and transports wrap messages once or twice in `data`, depending on their version.
 */
export function messageOf(type: string, message: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof message !== "object" || message === null) {
    return null;
  }
  const content = message as Readonly<Record<string, unknown>>;
  return content.type === type ? content : messageOf(type, content.data);
}
