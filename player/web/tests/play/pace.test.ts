import { expect, test } from "vitest";

import { Pace } from "../../src/play/pace.ts";

test("even pictures miss nothing", () => {
  const pace = new Pace();
  for (let i = 0; i < 100; i++) pace.add(1 / 72);
  expect(pace.missed).toBe(0);
  expect(pace.perSecond).toBeCloseTo(72, 6);
});

test("a late picture has missed the refreshes between", () => {
  const pace = new Pace();
  for (let i = 0; i < 20; i++) pace.add(0.01);
  pace.add(0.02);
  pace.add(0.01);
  pace.add(0.041);
  expect(pace.missed).toBe(1 + 3);
});

test("after a pause nothing is missed", () => {
  const pace = new Pace();
  for (let i = 0; i < 20; i++) pace.add(0.01);
  pace.restart();
  pace.add(0.1);
  expect(pace.missed).toBe(0);
  expect(pace.perSecond).toBeCloseTo(10, 9);
});
