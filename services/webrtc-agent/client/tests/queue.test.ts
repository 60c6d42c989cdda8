import { afterEach, expect, test, vi } from "vitest";
import { problem, Trouble } from "../src/problems/problems";
import { about, isFull, type Place, placeIn, whereIs } from "../src/queue/place";
import { inTurn } from "../src/queue/turn";

const place = (position: number, ticket = `ticket-${position}`): Place => ({
  ticket,
  position,
  seconds: position * 20,
  every: 2,
});
const wait = (position: number): Trouble => new Trouble(problem("busy"), place(position));

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a position is said as people say it", () => {
  expect(whereIs(1)).toBe("You are next");
  const said = [2, 3, 4, 11, 12, 13, 21, 22].map(whereIs);
  expect(said.map((each) => each.split(" ")[2])).toEqual([
    "2nd",
    "3rd",
    "4th",
    "11th",
    "12th",
    "13th",
    "21st",
    "22nd",
  ]);
});

test.each([
  [5, "Less than a minute"],
  [39, "Less than a minute"],
  [60, "About a minute"],
  [89, "About a minute"],
  [100, "About 2 minutes"],
  [610, "About 10 minutes"],
  [700, "More than ten minutes"],
])("an estimate of %i s is no exact figure", (seconds, words) => {
  expect(about(seconds)).toBe(words);
});

test("only a whole place is one", () => {
  expect(placeIn(place(3))).toEqual(place(3));
  for (const other of [undefined, null, "x", {}, { ...place(1), every: "2" }, { ...place(1), ticket: 7 }]) {
    expect(placeIn(other)).toBeNull();
  }
});

test("a visitor who connects too late for the last place was not left by the agent", () => {
  const data = { type: "session-ended", reason: "never_connected", message: "All our lines are busy." };
  expect(isFull(data)).toBe(true);
  expect(isFull({ label: "rtvi-ai", type: "server-message", data })).toBe(true);
  expect(isFull({ ...data, reason: "agent_ended" })).toBe(false);
});

test("a visitor brings the newest ticket, is shown every place, and starts without another click", async () => {
  vi.useFakeTimers();
  const answers = [wait(3), wait(2), wait(1)];
  const asked: unknown[] = [];
  const shown: (number | null)[] = [];
  const started = inTurn(
    async ({ queue }) => {
      asked.push(queue.ticket);
      const answer = answers.shift();
      if (answer) {
        throw answer;
      }
      return "started";
    },
    new AbortController().signal,
    (at) => shown.push(at?.position ?? null),
  );
  await vi.runAllTimersAsync();
  expect(await started).toBe("started");
  expect(asked).toEqual([undefined, "ticket-3", "ticket-2", "ticket-1"]);
  expect(shown).toEqual([3, 2, 1, null]);
});

test("an answer that goes missing costs no place, many of them do", async () => {
  vi.useFakeTimers();
  const lost = new Trouble(problem("unreachable"));
  const run = (...answers: (Trouble | null)[]): Promise<string> =>
    inTurn(
      async () => {
        const answer = answers.shift();
        if (answer) {
          throw answer;
        }
        return "started";
      },
      new AbortController().signal,
      () => undefined,
    );
  const patient = run(wait(1), lost, lost, lost, wait(1), lost);
  const gone = expect(run(wait(1), lost, lost, lost, lost, lost)).rejects.toBe(lost);
  const atOnce = expect(run(lost)).rejects.toBe(lost);
  await vi.runAllTimersAsync();
  expect(await patient).toBe("started");
  await gone;
  await atOnce;
});

test("who leaves gives the place back", async () => {
  const fetched = vi.fn().mockResolvedValue(new Response(null, { status: 204 }));
  vi.stubGlobal("fetch", fetched);
  const leaving = new AbortController();
  const waiting = inTurn(
    () => Promise.reject(wait(2)),
    leaving.signal,
    () => leaving.abort(),
  );
  await expect(waiting).rejects.toThrow();
  expect(fetched).toHaveBeenCalledOnce();
  expect(fetched.mock.calls[0]).toMatchObject([
    "/leave-queue",
    { keepalive: true, body: '{"ticket":"ticket-2"}' },
  ]);
});
