/** What a visitor reads during an outage and after one that lasts, as far as the page knows the cause. No I/O. */

import { type Problem, problem } from "./problems";

/** `offline`: the device reports it; `network`: the service is unreachable; `service`: it answers, but cannot continue;
 * `moving`: another task takes over; `reload`: the page was reloaded; `unknown`: not known yet. */
export type Cause = "offline" | "network" | "service" | "moving" | "reload" | "unknown";

const HINTS: Readonly<Record<Cause, string>> = {
  unknown: "The connection was interrupted. Please wait while it is restored.",
  offline: "Your device is offline. The conversation continues when it is online again.",
  network:
    "We cannot be reached from here, so it is probably your network. The conversation continues when it is back.",
  service: "Our service is not responding properly; your network is fine. Please wait for the next try.",
  moving: "The conversation is moving to another server. It continues in a moment.",
  reload: "The conversation continues where it left off.",
};

/** Return why the conversation is interrupted and what happens next. */
export function outageHint(cause: Cause): string {
  return HINTS[cause];
}

/** Return the problem to show when the conversation did not resume in time. */
export function outageOver(cause: Cause, seconds: number): Problem {
  const time = seconds % 60 === 0 ? minutes(seconds / 60) : `${seconds} seconds`;
  const end = "The transcript stays here. Try again to continue.";
  switch (cause) {
    case "offline":
      return problem("lost", { said: `Your device was offline for more than ${time}. ${end}` });
    case "network":
      return problem("lost", {
        said: `We have not received anything from you for more than ${time}, so it is probably your network. ${end}`,
      });
    default:
      return problem("service-lost", {
        said: `Our service could not continue within ${time}. This was not your network. ${end}`,
      });
  }
}

function minutes(count: number): string {
  return count === 1 ? "a minute" : `${count} minutes`;
}
