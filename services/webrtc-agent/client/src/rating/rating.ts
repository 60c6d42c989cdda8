/** Send a visitor's rating to the service. */

export type Rating = "up" | "down";

/** Longest comment that the service reads, in characters. */
export const LONGEST = 1000;

/** `sent`: the service has it. `gone`: it no longer knows the conversation. `failed`: another try may help. */
export type Outcome = "sent" | "gone" | "failed";

const PATIENCE_MS = 10_000;

/** Send a rating of a session, with a comment if there is one; it may be sent again when the response was lost. */
export async function sendRating(session: string, rating: Rating, comment = ""): Promise<Outcome> {
  const response = await fetch(`/sessions/${encodeURIComponent(session)}/rating`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(comment === "" ? { rating } : { rating, comment }),
    signal: AbortSignal.timeout(PATIENCE_MS),
    keepalive: true, // visitors often close the page next
  }).catch(() => null);
  return outcomeOf(response?.status ?? null);
}

/** Return what a response means; null is no response. */
export function outcomeOf(status: number | null): Outcome {
  // 409: an earlier try arrived, and its response was lost.
  if (status !== null && ((status >= 200 && status < 300) || status === 409)) {
    return "sent";
  }
  return status === 404 ? "gone" : "failed";
}
