/** Sound and messages through Daily's cloud; a chunk of its own, loaded only where the service uses Daily. */

import type { Transport } from "@pipecat-ai/client-js";
import { DailyTransport } from "@pipecat-ai/daily-transport";
import { DAILY_OPTIONS } from "./daily-options";

export function dailyTransport(): Transport {
  return new DailyTransport(DAILY_OPTIONS);
}
