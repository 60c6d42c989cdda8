/** Messages of the service to its page. No I/O. */

/**
 * Read a message of a type; null where it has another.
 *
 * Pipecat's client and transports put them into one or two envelopes named `data`, depending on their version.
 */
export function messageOf(type: string, message: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof message !== "object" || message === null) {
    return null;
  }
  const content = message as Readonly<Record<string, unknown>>;
  return content.type === type ? content : messageOf(type, content.data);
}
