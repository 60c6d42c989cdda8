import { expect, test } from "vitest";
import {
  deviceChange,
  microphoneProblem,
  type ProblemKind,
  problem,
  refusal,
} from "../src/problems/problems";

const KINDS: ProblemKind[] = [
  "insecure",
  "unsupported",
  "denied",
  "no-microphone",
  "microphone-taken",
  "microphone-lost",
  "microphone-changed",
  "speaker-changed",
  "busy",
  "closed",
  "consent",
  "limited",
  "refused",
  "unreachable",
  "no-route",
  "no-agent",
  "daily",
  "outdated",
  "lost",
  "not-taken",
  "failed",
];

test.each(KINDS)("%s is said in whole sentences and names a next step", (kind) => {
  const { title, words } = problem(kind);
  expect(title).toMatch(/^[A-Z][^.]+$/);
  expect(words).toMatch(/^[A-Z].+\.$/);
  expect(words).toMatch(/try|type|wait|open|choose|plug|talk|soon|browser|current/i);
});

test("a device that a call goes on with is named, where the browser names it", () => {
  expect(deviceChange("microphone", "Headset")).toMatchObject({ kind: "microphone-changed", canType: false });
  expect(deviceChange("microphone", "Headset").words).toContain("through Headset.");
  expect(deviceChange("speaker", "").words).toContain("through another speaker.");
});

test("an address without https is called that", () => {
  expect(problem("insecure").words).toContain("only on https");
});

test.each([
  ["NotAllowedError", "denied"],
  ["NotFoundError", "no-microphone"],
  ["OverconstrainedError", "no-microphone"],
  ["NotReadableError", "microphone-taken"],
  ["TypeError", "failed"],
])("the browser's %s means %s", (name, kind) => {
  const error = Object.assign(new Error("no"), { name });
  expect(microphoneProblem(error).kind).toBe(kind);
});

test("a microphone that cannot be had leaves typing", () => {
  expect(KINDS.filter((kind) => problem(kind).canType)).toEqual([
    "insecure",
    "denied",
    "no-microphone",
    "microphone-taken",
    "microphone-lost",
  ]);
});

test("a full service is waited for as long as it says, and no second time is named", () => {
  for (const status of [429, 503]) {
    const refused = { retryAfter: "12", said: "Please try again in a few minutes.", busy: true };
    expect(refusal(status, refused)).toMatchObject({ kind: "busy", wait: 12 });
    expect(refusal(status, refused).words).not.toMatch(/minute|second/);
  }
});

test("a service that is done for today asks for no further try", () => {
  expect(refusal(429, { retryAfter: "3600", closed: true })).toMatchObject({ kind: "closed", wait: null });
});

test("a service that wants consent is answered with the notice", () => {
  expect(refusal(428, { consent: true })).toMatchObject({ kind: "consent", wait: null });
});

test.each([
  [503, null, "busy", 15],
  [429, "60", "limited", 60],
  [429, "soon", "limited", 30],
  [429, "86400", "limited", 600],
  [429, "0", "limited", 1],
  [502, null, "unreachable", null],
  [504, null, "unreachable", null],
  [403, null, "refused", null],
  [500, null, "refused", null],
])("status %i with Retry-After %s is %s for %s s", (status, retryAfter, kind, wait) => {
  expect(refusal(status, { retryAfter })).toMatchObject({ kind, wait });
});

test("Retry-After may be a date", () => {
  const date = new Date(Date.now() + 20_000).toUTCString();
  expect(refusal(429, { retryAfter: date }).wait).toBeGreaterThan(17);
});
