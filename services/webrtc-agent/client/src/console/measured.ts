/** The figures of a conversation: latencies, tokens, tools. No I/O: reports in, figures out. */

export interface ToolUse {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
  /** Milliseconds from the call to its result; null while it runs. */
  readonly took: number | null;
  readonly result: string;
}

export interface Measured {
  /** Milliseconds from the end of each visitor turn to the first audio of the answer. */
  readonly latencies: readonly number[];
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly tools: readonly (ToolUse & { readonly at: number })[];
}

export const NOTHING: Measured = { latencies: [], tokensIn: 0, tokensOut: 0, tools: [] };

/** Pipecat's metrics message; the client's type lacks the tokens. */
export interface MetricsReport {
  readonly ttfb?: readonly { readonly value: number }[];
  readonly tokens?: readonly { readonly prompt_tokens: number; readonly completion_tokens: number }[];
}

/** Add a report. Pipecat's first report is all zeros and is ignored. */
export function withMetrics(known: Measured, { ttfb = [], tokens = [] }: MetricsReport): Measured {
  const seconds = ttfb.map(({ value }) => value).filter((value) => value > 0);
  return {
    ...known,
    latencies: [...known.latencies, ...seconds.map((value) => Math.round(value * 1000))],
    tokensIn: tokens.reduce((sum, one) => sum + one.prompt_tokens, known.tokensIn),
    tokensOut: tokens.reduce((sum, one) => sum + one.completion_tokens, known.tokensOut),
  };
}

/** Add the call of a tool. */
export function withTool(known: Measured, id: string, name: string, given: unknown, at: number): Measured {
  const tool = { id, name, arguments: words(given), took: null, result: "", at };
  return { ...known, tools: [...known.tools, tool] };
}

/** Add a tool's result. */
export function withResult(known: Measured, id: string, result: unknown, at: number): Measured {
  const done = known.tools.map((tool) =>
    tool.id === id ? { ...tool, took: Math.round(at - tool.at), result: words(result) } : tool,
  );
  return { ...known, tools: done };
}

/** Return the median; null without figures. */
export function median(figures: readonly number[]): number | null {
  return [...figures].sort((one, other) => one - other)[Math.floor(figures.length / 2)] ?? null;
}

function words(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
