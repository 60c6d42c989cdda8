/** Audio and messages through Daily's cloud. A separate chunk, loaded only where the service uses Daily. */

import type { Transport } from "@pipecat-ai/client-js";
import { DailyTransport } from "@pipecat-ai/daily-transport";
import { DAILY_OPTIONS } from "./daily-options";

export function dailyTransport(): Transport {
  return new DailyTransport(DAILY_OPTIONS);
}
