import { afterEach, describe, expect, test } from "vitest";
import type { AgentCard } from "../src/agent/card";
import { fieldsOf } from "../src/agent/card";
import { cardOf, loadCards, showCards } from "../src/agent/cards";
import { GENERIC } from "../src/agent/generic";
import { shownIn } from "../src/agent/shown";
import { formatsFor } from "../src/locale/locale";

const use = (card: unknown) => ({ tool: "book", given: {}, result: { card } });

afterEach(() => showCards(null));

describe("the generic card", () => {
  test("shows a title, a value and rows, numbers too", () => {
    const card = {
      title: "Table booked",
      value: "Friday, 19:30",
      rows: [
        ["People", 2],
        ["Name", "Rossi"],
      ],
    };
    expect(shownIn(use(card))).toEqual({
      ...card,
      rows: [
        ["People", "2"],
        ["Name", "Rossi"],
      ],
    });
    expect(GENERIC.inWords(use(card), formatsFor(["en-US"]))).toBe(
      "Table booked: Friday, 19:30, People 2, Name Rossi",
    );
  });

  test.each([undefined, null, 1, "card", [], {}, { rows: [["a", "b"]] }, { title: " ", value: {} }])(
    "is not shown for %j",
    (card) => {
      expect(shownIn(use(card))).toBeNull();
      expect(GENERIC.isShown(use(card))).toBe(false);
    },
  );

  test("drops rows that are malformed, and has bounds", () => {
    const rows = [
      ["People"],
      "Name",
      null,
      ["", "x"],
      ["Note", "n".repeat(5000)],
      ...Array(500).fill(["a", "b"]),
    ];
    const shown = shownIn(use({ title: "T", rows }));
    expect(shown?.rows.length).toBeLessThanOrEqual(20);
    expect(shown?.rows[0]).toEqual(["Note", "n".repeat(200)]);
  });

  test("is not shown before the tool has returned", () => {
    expect(GENERIC.isShown({ ...use(null), result: null })).toBe(false);
  });
});

test("an agent's own cards show its tools, and the generic one the others", async () => {
  const own: AgentCard = { ...GENERIC, serves: (tool) => tool === "book", busy: "Booking" };
  showCards(own);
  expect(cardOf({ tool: "book" })).toBe(own);
  expect(cardOf({ tool: "cancel" })).toBe(GENERIC);
  showCards(null);
  await loadCards("an-agent-without-cards");
  expect(cardOf({ tool: "book" })).toBe(GENERIC);
});

test("what a transport forwards is an object, or becomes one", () => {
  expect(fieldsOf({ a: 1 })).toEqual({ a: 1 });
  expect(fieldsOf('{"a": 1}')).toEqual({ a: 1 });
  for (const other of ["{", "[1]", [1], null, undefined, 3]) {
    expect(fieldsOf(other)).toEqual({});
  }
});
