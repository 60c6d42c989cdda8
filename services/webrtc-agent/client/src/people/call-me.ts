/** Ask the service to call the visitor's telephone. */

import { agentField } from "../agent/page";
import { consent } from "../notice/notice";
import { t } from "../texts/texts";

const PATIENCE_MS = 12_000;

/** Request a call to a number as typed; return null once it has been placed, otherwise why it has not. */
export async function callMe(number: string): Promise<string | null> {
  const answer = await fetch("/call-me", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ number, ...agentField(), ...consent() }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).catch(() => null);
  if (answer?.ok) {
    return null;
  }
  const body = (await answer?.json().catch(() => null)) as {
    info?: unknown;
    limited?: unknown;
  } | null;
  if (body?.limited === true) {
    return t("limited");
  }
  return typeof body?.info === "string" ? body.info : t("call_failed");
}
