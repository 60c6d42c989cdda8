import { describe, expect, it } from "vitest";
import { isOpening, isShort } from "../src/app/short";
import { BEFORE, type CallState } from "../src/call/state";
import { problem } from "../src/problems/problems";

const live = (...kinds: CallState["items"][number]["kind"][]): CallState => ({
  ...BEFORE,
  phase: "live",
  items: kinds.map((kind, id) => ({ kind, id }) as CallState["items"][number]),
});

/** A tool has returned this. */
const withCard = (result: object): CallState => {
  const state = live("agent", "visitor", "card");
  return {
    ...state,
    items: state.items.map((item) => ({ ...item, tool: "book", given: {}, result }) as never),
  };
};

describe("how much there is to show", () => {
  it("is little before the first card", () => {
    expect(isShort(live())).toBe(true);
    expect(isShort(live("agent", "visitor"))).toBe(true);
    expect(isShort(withCard({ card: { title: "Table" } }))).toBe(false);
    expect(isShort(withCard({}))).toBe(true);
    expect(isShort(live("agent", "visitor", "agent", "visitor"))).toBe(false);
  });

  it("is more where something went wrong", () => {
    expect(isShort({ ...live("agent"), problem: problem("lost") })).toBe(false);
  });

  it("offers examples until something was asked", () => {
    expect(isOpening(live("agent"))).toBe(true);
    expect(isOpening(live("agent", "visitor"))).toBe(false);
    expect(isOpening({ ...live("agent"), phase: "reconnecting" })).toBe(false);
  });
});
