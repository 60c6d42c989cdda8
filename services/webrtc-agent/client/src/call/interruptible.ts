/** Pipecat's client, with the one message of the agent's that this version of it does not pass on. */

import { PipecatClient, type RTVIMessage } from "@pipecat-ai/client-js";

export class InterruptibleClient extends PipecatClient {
  /** What the agent was saying will not be heard to its end. */
  onInterrupted: () => void = () => undefined;

  protected override handleMessage(message: RTVIMessage): void {
    if (message.type === "bot-interrupted") {
      this.onInterrupted();
    }
    super.handleMessage(message);
  }
}
