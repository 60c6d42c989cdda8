import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LineWatch } from "../src/call/line";
import { type Recovery, recover } from "../src/call/recovery";
import { type Cause, outageHint, outageOver } from "../src/problems/outage";
import { problem, Trouble } from "../src/problems/problems";

const NOTICED_MS = 3000;

let network: "away" | "there" | "broken service" = "there";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) => {
    const timer = new AbortController();
    setTimeout(() => timer.abort(), milliseconds);
    return timer.signal;
  });
  vi.stubGlobal("navigator", { onLine: true });
  vi.stubGlobal("addEventListener", () => undefined);
  vi.stubGlobal("fetch", (_path: string, { signal }: { signal: AbortSignal }) =>
    network === "away"
      ? new Promise((_then, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
      : Promise.resolve({ ok: network === "there" }),
  );
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

interface Reported {
  readonly causes: Cause[];
  readonly recovery: Recovery;
  readonly ending: AbortController;
}

function recovery(changes: Partial<Recovery> = {}): Reported {
  const causes: Cause[] = [];
  const ending = new AbortController();
  const plain: Recovery = {
    steady: () => false,
    comeBack: () => Promise.resolve(),
    tell: (cause) => causes.push(cause),
    within: 120_000,
    gone: () => false,
    signal: ending.signal,
  };
  return { causes, ending, recovery: { ...plain, ...changes } };
}

/** Fail every request for this long; then let each one succeed. */
async function outage(seconds: number, changes: Partial<Recovery> = {}) {
  network = "away";
  const began = Date.now();
  const { causes, recovery: what } = recovery(changes);
  const outcome = recover(what).then((how) => ({ how, took: Date.now() - began - seconds * 1000, causes }));
  await vi.advanceTimersByTimeAsync(seconds * 1000);
  network = "there";
  await vi.advanceTimersByTimeAsync(200_000);
  return await outcome;
}

test.each([16, 60, 100])("an outage of %i s ends in the same conversation", async (seconds) => {
  const { how, took, causes } = await outage(seconds);
  expect(how).toBe("back");
  expect(took).toBeLessThan(10_000); // one probe that hangs, and the longest back-off
  expect(causes).toContain("network");
  expect(causes).not.toContain("service");
});

test("a line that carries again by itself is kept", async () => {
  const comeBack = vi.fn();
  const { how } = await outage(5, { steady: () => network === "there", comeBack });
  expect(how).toBe("steady");
  expect(comeBack).not.toHaveBeenCalled();
});

test("who stays away for longer than the time reads whose fault it seems to be", async () => {
  const { how } = await outage(150);
  expect(how).toBe("network");
});

test("a service that answers with errors is not the visitor's network", async () => {
  network = "broken service";
  const { recovery: what } = recovery({ gone: () => true });
  const outcome = recover(what);
  await vi.advanceTimersByTimeAsync(150_000);
  expect(await outcome).toBe("service");
});

test("a refusal for want of a place is tried again, one for good is not", async () => {
  network = "there";
  const comeBack = vi
    .fn<() => Promise<void>>()
    .mockRejectedValueOnce(new Trouble(problem("busy")))
    .mockResolvedValueOnce();
  const busy = recover(recovery({ comeBack, gone: () => true }).recovery);
  await vi.advanceTimersByTimeAsync(10_000);
  expect([await busy, comeBack.mock.calls.length]).toEqual(["back", 2]);
  const gone = new Trouble(problem("forgotten"));
  const over = recover(recovery({ comeBack: () => Promise.reject(gone) }).recovery);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await over).toBe(gone);
});

test("who hangs up meanwhile is not called back", async () => {
  network = "away";
  const { ending, recovery: what } = recovery();
  const outcome = recover(what);
  await vi.advanceTimersByTimeAsync(1000);
  ending.abort();
  expect(await outcome).toBe("stopped");
});

test("silence is noticed within three seconds, and one burst is no line that carries", async () => {
  let packets = 0;
  const reported: boolean[] = [];
  const watch = new LineWatch(
    () => Promise.resolve(packets),
    (steady) => reported.push(steady),
    () => Date.now(),
  );
  watch.start();
  const sending = setInterval(() => packets++, 20);
  await vi.advanceTimersByTimeAsync(5000);
  expect(reported).toEqual([]);
  clearInterval(sending);
  await vi.advanceTimersByTimeAsync(NOTICED_MS);
  expect(reported).toEqual([false]);
  packets += 50;
  await vi.advanceTimersByTimeAsync(5000);
  expect(reported).toEqual([false]);
  setInterval(() => packets++, 20);
  await vi.advanceTimersByTimeAsync(2000);
  expect(reported).toEqual([false, true]);
  watch.stop();
});

test("what is read names the device, the network or us, and never two of them", () => {
  expect(outageHint("offline")).toContain("device");
  expect(outageHint("network")).toContain("your network");
  expect(outageHint("service")).toContain("your network is fine");
  expect(outageOver("network", 120)).toMatchObject({ kind: "lost" });
  expect(outageOver("network", 120).words).toContain("2 minutes");
  expect(outageOver("service", 120)).toMatchObject({ kind: "service-lost" });
  expect(outageOver("service", 120).words).toContain("not your network");
});

test("a line that the browser gives up does not carry until enough has arrived", async () => {
  let packets = 0;
  const reported: boolean[] = [];
  const watch = new LineWatch(
    () => Promise.resolve(packets),
    (steady) => reported.push(steady),
    () => Date.now(),
  );
  watch.start();
  setInterval(() => packets++, 20);
  await vi.advanceTimersByTimeAsync(2000);
  watch.doubt();
  await vi.advanceTimersByTimeAsync(1000);
  expect([watch.steady, reported]).toEqual([false, []]);
  await vi.advanceTimersByTimeAsync(1000);
  expect([watch.steady, reported]).toEqual([true, [true]]);
  watch.stop();
});
