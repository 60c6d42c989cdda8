/** Pipecat's client, with one message of the agent that this version does not forward. */

import { PipecatClient, type RTVIMessage } from "@pipecat-ai/client-js";

export class InterruptibleClient extends PipecatClient {
  /** Called when the agent's speech is interrupted. */
  onInterrupted: () => void = () => undefined;

  protected override handleMessage(message: RTVIMessage): void {
    if (message.type === "bot-interrupted") {
      this.onInterrupted();
    }
    super.handleMessage(message);
  }
}
