/** What a visitor reads while the line is dead, and when it stays so: the truth, as far as the page can know it. No I/O. */

import { type Problem, problem } from "./problems";

/** `offline`: the device says so; `network`: nothing reaches the service; `service`: it answers, but cannot go on;
 * `moving`: it said that it hands over; `reload`: the page was loaded again; `unknown`: not known yet. */
export type Cause = "offline" | "network" | "service" | "moving" | "reload" | "unknown";

const HINTS: Readonly<Record<Cause, string>> = {
  unknown: "The connection was interrupted. Hold on, it is being restored.",
  offline: "Your device is offline. The conversation goes on when it is online again.",
  network:
    "Nothing reaches us from here, so it is probably your network. The conversation goes on when it is back.",
  service: "Our service does not answer properly; your network is fine. Hold on, another try follows.",
  moving: "The conversation moves to another of our servers. Hold on, it goes on in a moment.",
  reload: "The conversation goes on where it was.",
};

/** Say why the conversation stands still, and what happens next. */
export function outageHint(cause: Cause): string {
  return HINTS[cause];
}

/** Say that the conversation did not come back within the time. */
export function outageOver(cause: Cause, seconds: number): Problem {
  const time = seconds % 60 === 0 ? minutes(seconds / 60) : `${seconds} seconds`;
  const end = "What was said stays here. Try again to go on with it.";
  switch (cause) {
    case "offline":
      return problem("lost", { said: `Your device was offline for more than ${time}. ${end}` });
    case "network":
      return problem("lost", {
        said: `For more than ${time} nothing from here has reached us, so it is probably your network. ${end}`,
      });
    default:
      return problem("service-lost", {
        said: `Our service could not go on within ${time}. It was not your network. ${end}`,
      });
  }
}

function minutes(count: number): string {
  return count === 1 ? "a minute" : `${count} minutes`;
}
