import { expect, test } from "vitest";
import { chartLine, chartPoints } from "../chart";

const BOX = { left: 0, right: 70, top: 0, bottom: 40 };

test("the warmest hour is at the top and the coldest at the bottom, evenly spread", () => {
  expect(chartPoints([0, 10, 5], { ...BOX, right: 80 })).toEqual([
    [0, 40],
    [40, 0],
    [80, 20],
  ]);
});

test("a steady temperature is a level line, and one degree is no mountain", () => {
  expect(chartPoints([3, 3], BOX).map(([, y]) => y)).toEqual([20, 20]);
  expect(chartPoints([3, 4], BOX).map(([, y]) => y)).toEqual([25, 15]);
});

test("one point stays in the box", () => {
  expect(chartPoints([3], BOX)).toEqual([[0, 20]]);
});

test("the curve passes through every point without overshooting", () => {
  expect(
    chartLine([
      [0, 40],
      [40, 0],
    ]),
  ).toBe("M0 40C20 40 20 0 40 0");
});
