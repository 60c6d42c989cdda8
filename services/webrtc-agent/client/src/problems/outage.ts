/** What a visitor reads during an outage and after one that lasts, as far as the page knows the cause. No I/O. */

import { counted, t } from "../texts/texts";
import { type Problem, problem } from "./problems";

/** `offline`: the device reports it; `network`: the service is unreachable; `service`: it answers, but cannot continue;
 * `moving`: another task takes over; `reload`: the page was reloaded; `unknown`: not known yet. */
export type Cause = "offline" | "network" | "service" | "moving" | "reload" | "unknown";

/** Return why the conversation is interrupted and what happens next. */
export function outageHint(cause: Cause): string {
  return t(`outage_${cause}`);
}

/** Return the problem to show when the conversation did not resume in time. */
export function outageOver(cause: Cause, seconds: number): Problem {
  const time = seconds % 60 === 0 ? counted("over_minutes", seconds / 60) : counted("over_seconds", seconds);
  switch (cause) {
    case "offline":
      return problem("lost", { said: t("over_offline", { time }) });
    case "network":
      return problem("lost", { said: t("over_network", { time }) });
    default:
      return problem("service-lost", { said: t("over_service", { time }) });
  }
}
