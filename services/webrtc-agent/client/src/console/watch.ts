/** Record everything that Pipecat's client reports about a conversation, in order of arrival. */

import {
  type LLMFunctionCallInProgressData,
  type LLMFunctionCallStoppedData,
  type PipecatClient,
  type PipecatMetricsData,
  RTVIEvent,
} from "@pipecat-ai/client-js";
import { type Measured, type MetricsReport, NOTHING, withMetrics, withResult, withTool } from "./measured";

/** Most events that are kept; a conversation of half an hour has about as many. */
const MOST = 2_000;
/** Reported with every frame of audio. */
const TOO_MANY: readonly string[] = [RTVIEvent.LocalAudioLevel, RTVIEvent.RemoteAudioLevel];

export interface Reported {
  readonly id: number;
  /** Milliseconds since the conversation began. */
  readonly at: number;
  readonly name: string;
  readonly text: string;
}

export interface Watched {
  readonly events: readonly Reported[];
  readonly measured: Measured;
}

export class Watch {
  private state: Watched = { events: [], measured: NOTHING };
  private readonly watchers = new Set<() => void>();
  private began = 0;
  private count = 0;

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  readonly snapshot = (): Watched => this.state;

  /** Record a new conversation and drop the previous one. */
  readonly follow = (client: PipecatClient): void => {
    this.began = performance.now();
    this.state = { events: [], measured: NOTHING };
    for (const name of Object.values(RTVIEvent).filter((one) => !TOO_MANY.includes(one))) {
      client.on(name, (...data: unknown[]) => this.keep(name, data));
    }
    client.on(RTVIEvent.Metrics, (data: PipecatMetricsData) =>
      this.measure((known) => withMetrics(known, data as MetricsReport)),
    );
    client.on(RTVIEvent.LLMFunctionCallInProgress, (use: LLMFunctionCallInProgressData) =>
      this.measure((known) =>
        withTool(known, use.tool_call_id, use.function_name ?? "?", use.arguments, performance.now()),
      ),
    );
    client.on(RTVIEvent.LLMFunctionCallStopped, (use: LLMFunctionCallStoppedData) =>
      this.measure((known) => withResult(known, use.tool_call_id, use.result, performance.now())),
    );
  };

  private keep(name: string, data: readonly unknown[]): void {
    const event = {
      id: this.count++,
      at: Math.round(performance.now() - this.began),
      name,
      text: data.map((one) => JSON.stringify(one) ?? "").join(" "),
    };
    this.show({ ...this.state, events: [...this.state.events.slice(1 - MOST), event] });
  }

  private measure(change: (known: Measured) => Measured): void {
    this.show({ ...this.state, measured: change(this.state.measured) });
  }

  private show(state: Watched): void {
    this.state = state;
    for (const watcher of this.watchers) {
      watcher();
    }
  }
}
