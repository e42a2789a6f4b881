/** What counts as throughput: bytes as they come, silence when some are due, nothing while none was asked for. */

import { beforeEach, expect, test } from "vitest";
import { Meter } from "../../src/fetch/meter.ts";
import { Throughput } from "../../src/fetch/throughput.ts";

const MBIT = 1_000_000;
let throughput: Throughput;
let meter: Meter;

beforeEach(() => {
  throughput = new Throughput({ fastS: 1, slowS: 1 });
  meter = new Meter(throughput);
});

test("the wait for the first bytes is left out", () => {
  meter.begin(0);
  for (let i = 0; i < 21; i++) meter.add(MBIT / 8, 0.3 + i * 0.05);
  expect(throughput.estimate).toBeCloseTo(MBIT / 0.05, 3);
});

test("a transfer that came at once counts with its wait", () => {
  meter.begin(0);
  meter.add(MBIT / 16, 0.099);
  meter.add(MBIT / 16, 0.1);
  expect(throughput.estimate).toBeNull();
  meter.rest();
  expect(throughput.estimate).toBeCloseTo(MBIT / 0.1, 3);
});

test("a short transfer counts without its wait where that can be told", () => {
  meter.begin(0);
  for (const at of [0.1, 0.11, 0.12, 0.13]) meter.add(MBIT / 8, at);
  meter.begin(5);
  expect(throughput.estimate).toBeCloseTo((3 * MBIT) / 0.03, 0);
});

test("what comes unasked and at once tells nothing", () => {
  meter.add(MBIT / 16, 0.099);
  meter.add(MBIT / 16, 0.1);
  meter.rest();
  expect(throughput.estimate).toBeNull();
});

test("silence amid a transfer counts as none", () => {
  meter.begin(0);
  meter.add(1000, 0.1);
  meter.add(MBIT / 8, 0.3);
  const before = throughput.estimate!;
  expect(before).toBeCloseTo(MBIT / 0.2, 3);
  meter.tick(0.6);
  expect(throughput.estimate).toBe(before);
  meter.tick(1.3);
  // 0.2 s at 5 Mbit/s, then 1 s without a bit: weights 0.5 (1 - 0.5^0.2) and 0.5.
  const kept = 0.5 ** 0.2;
  expect(throughput.estimate).toBeCloseTo((5 * MBIT * 0.5 * (1 - kept)) / (0.5 * (1 - kept) + 0.5), 3);
  meter.begin(1.3);
  meter.tick(2.7);
  const after = throughput.estimate!;
  meter.tick(2.9);
  expect(throughput.estimate).toBeLessThan(after);
});

test("rest counts as nothing", () => {
  meter.begin(0);
  meter.add(1000, 0.1);
  meter.add(MBIT / 8, 0.3);
  const before = throughput.estimate;
  meter.rest();
  meter.tick(100);
  expect(throughput.estimate).toBe(before);
});

test("the first segment is measured when it is whole", () => {
  meter.begin(0);
  meter.add(MBIT / 8, 0.05);
  meter.segmentDone(0.05);
  expect(throughput.estimate).toBeCloseTo(MBIT / 0.05, 3);
  meter.add(MBIT / 8, 0.06);
  meter.segmentDone(0.06);
  expect(throughput.estimate).toBeCloseTo(MBIT / 0.05, 3);
});
