import { describe, expect, it } from "vitest";
import { median, NOTHING, withMetrics, withResult, withTool } from "../src/console/measured";

describe("what a conversation has measured", () => {
  it("adds up tokens and keeps each latency", () => {
    const first = withMetrics(NOTHING, { tokens: [{ prompt_tokens: 120, completion_tokens: 40 }] });
    const then = withMetrics(first, {
      ttfb: [{ value: 0.8124 }],
      tokens: [{ prompt_tokens: 10, completion_tokens: 5 }],
    });
    expect(then).toMatchObject({ tokensIn: 130, tokensOut: 45, latencies: [812] });
  });

  it("takes the zeros that Pipecat begins with for nothing", () => {
    expect(withMetrics(NOTHING, { ttfb: [{ value: 0 }] }).latencies).toEqual([]);
  });

  it("names the middle latency", () => {
    expect(median([900, 100, 300])).toBe(300);
    expect(median([])).toBeNull();
  });

  it("times a tool from its call to its result", () => {
    const called = withTool(NOTHING, "a", "find_table", { people: 2 }, 1000);
    expect(called.tools[0]).toMatchObject({ took: null, arguments: '{"people":2}' });
    const answered = withResult(called, "a", { temperature: 4 }, 1312.4);
    expect(answered.tools[0]).toMatchObject({ took: 312, result: '{"temperature":4}' });
  });
});
