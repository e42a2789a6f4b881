import { expect, test } from "vitest";
import { clamped, fade, longestSide, middle, type ComfortBox } from "../../src/head/comfort.ts";

const BOX: ComfortBox = { low: [-0.25, -0.125, -0.5], high: [0.75, 0.125, 0] };

test("the middle and the longest side", () => {
  expect(middle(BOX)).toEqual([0.25, 0, -0.25]);
  expect(longestSide(BOX)).toBe(1);
});

test("the nearest point of the box", () => {
  expect(clamped(BOX, [0.1, 0.1, -0.1])).toEqual([0.1, 0.1, -0.1]);
  expect(clamped(BOX, [2, -2, -0.25])).toEqual([0.75, -0.125, -0.25]);
});

// The same numbers as the Python player's.
test.each([
  [[0.1, 0, -0.1], 1],
  [[0.37, 0, -0.1], 0.896],
  [[0.1, 0.1, -0.1], 0.648],
  [[0.1, 0.125, -0.1], 0.028],
  [[0.1, 0.13, -0.1], 0],
] as const)("how bright the picture is at %j", (position, bright) => {
  expect(fade({ low: [-0.2, -0.1, -0.3], high: [0.4, 0.1, 0.1] }, position)).toBeCloseTo(bright, 12);
});

test("an axis along which the box has no size does not count", () => {
  expect(fade({ low: [-1, 0, -1], high: [1, 0, 1] }, [0, 5, 0])).toBe(1);
});
