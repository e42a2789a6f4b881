/** Ratios are exact, in lowest terms, and become the nearest double. */

import { expect, test } from "vitest";
import { Ratio, compare, ratio, same, sum } from "../../src/format/ratio.ts";
import { readRatio } from "../../src/format/ratio_bytes.ts";

test("they are in lowest terms", () => {
  expect(ratio(3003, 30_000)).toEqual(new Ratio(1001n, 10_000n));
  expect(ratio(-4, 6)).toEqual(new Ratio(-2n, 3n));
  expect(ratio(0, 7)).toEqual(new Ratio(0n, 1n));
  expect(ratio(2n ** 61n, 2n ** 31n)).toEqual(new Ratio(2n ** 30n, 1n));
  expect(String(ratio(1001, 30_000))).toBe("1001/30000");
  expect(String(ratio(8, 2))).toBe("4");
});

test("sums and comparisons are exact", () => {
  let total = ratio(0);
  for (let i = 0; i < 3000; i++) total = sum(total, ratio(1001, 30_000));
  expect(total).toEqual(new Ratio(1001n, 10n));
  expect(compare(ratio(1, 3), ratio(333_333_333, 1_000_000_000))).toBe(1);
  expect(compare(ratio(-1, 3), ratio(1, 3))).toBe(-1);
  expect(compare(ratio(2, 4), ratio(1, 2))).toBe(0);
  expect(same(ratio(2, 4), ratio(1, 2))).toBe(true);
});

test("seconds are the nearest double", () => {
  expect(ratio(1001, 30_000).toSeconds()).toBe(1001 / 30_000);
  expect(ratio(-1, 3).toSeconds()).toBe(-1 / 3);
  expect(ratio(2n ** 62n - 1n, 2n ** 32n - 1n).toSeconds()).toBeCloseTo(2 ** 30 + 0.25, 6);
});

test.each([
  [1n, 0, "denominator 0"],
  [2n, 4, "not in lowest terms"],
  [1n << 62n, 1 << 30, "out of range"],
  [(1n << 32n) + 1n, 1, "out of range"],
  [-(1n << 63n), 1, "out of range"],
])("%i/%i is refused", (numerator, denominator, says) => {
  const view = new DataView(new ArrayBuffer(12));
  view.setBigInt64(0, numerator, true);
  view.setUint32(8, denominator, true);
  expect(() => readRatio(view, 0, "time")).toThrow(says);
});
