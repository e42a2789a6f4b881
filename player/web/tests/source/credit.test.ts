/** The credit window follows the way, by exact numbers. */

import { expect, test } from "vitest";
import { KIB, MIB } from "../../src/format/schema.ts";
import { CreditWindow } from "../../src/source/credit.ts";

function windowOf(first = 256 * KIB): CreditWindow {
  return new CreditWindow({ first, least: 128 * KIB, most: 16 * MIB });
}

/** Bytes at a rate (bytes per second), piece by piece. */
function fed(
  credit: CreditWindow,
  rate: number,
  { seconds, rttS, start = 0 }: { seconds: number; rttS: number; start?: number },
) {
  for (let i = 0; i < Math.round(100 * seconds); i++)
    credit.received(Math.round(rate / 100), start + (i + 1) / 100, rttS);
}

test("the first window is within its bounds", () => {
  expect([256 * KIB, 1, 64 * MIB].map((first) => windowOf(first).size)).toEqual([256 * KIB, 128 * KIB, 16 * MIB]);
});

test("nothing is granted until half is used up, then all of it", () => {
  const credit = windowOf();
  expect([256, 128 + 1 / 1024, 128, 0].map((kib) => credit.grant(kib * KIB))).toEqual([0, 0, 128 * KIB, 256 * KIB]);
});

test("what opens a burst is not counted", () => {
  const credit = windowOf();
  credit.received(16 * MIB, 0, 0.05);
  // 100 KiB in 0.2 s are 512000 bytes/s, which a round trip and 0.2 s bring 128000 of.
  credit.received(100 * KIB, 0.2, 0.05);
  expect(credit.size).toBe(128 * KIB);
});

test("a round lasts a round trip at least", () => {
  const credit = windowOf();
  credit.received(1, 0, 0.1);
  credit.received(MIB, 0.099, 0.1);
  expect(credit.size).toBe(256 * KIB);
  credit.received(0, 0.1, 0.1);
  expect(credit.size).toBe(512 * KIB);
});

test("a round waits for half a window or 200 ms", () => {
  const credit = windowOf(4 * MIB);
  credit.received(1, 0, 0.01);
  credit.received(2 * MIB - 1, 0.1, 0.01);
  expect(credit.size).toBe(4 * MIB);
  // 2 MiB in 0.128 s, of which 0.21 s bring 3.44 MiB.
  credit.received(1, 0.128, 0.01);
  expect(credit.size).toBe(Math.floor(((2 * MIB) / 0.128) * 0.21));
});

test("it doubles at most and halves at most", () => {
  const credit = windowOf(MIB);
  credit.received(1, 0, 0.01);
  credit.received(512 * MIB, 0.01, 0.01);
  expect(credit.size).toBe(2 * MIB);
  credit.received(1000, 0.3, 0.01);
  expect(credit.size).toBe(MIB);
});

test.each([
  [5, 0.1, 625e3 * 0.3],
  [50, 0.1, 6.25e6 * 0.3],
  [80, 0.02, 10e6 * 0.22],
  [1, 0.1, 128 * KIB],
  [8000, 0.001, 16 * MIB],
])("at %d Mbit/s it becomes what a round trip and 200 ms bring", (megabits, rttS, size) => {
  const credit = windowOf();
  fed(credit, megabits * 125e3, { seconds: 3, rttS });
  expect(credit.size / size).toBeGreaterThan(0.98);
  expect(credit.size / size).toBeLessThan(1.02);
});

test("a pause is no slowness", () => {
  const credit = windowOf();
  fed(credit, 10e6, { seconds: 3, rttS: 0.05 });
  const before = credit.size;
  credit.pause();
  credit.received(64 * KIB, 60, 0.05);
  credit.received(64 * KIB, 60.001, 0.05);
  expect(credit.size).toBe(before);
  fed(credit, 625e3, { seconds: 1.5, rttS: 0.05, start: 61 });
  expect(credit.size / (625e3 * 0.25)).toBeCloseTo(1, 1);
});

test("two messages at one moment do not divide by nothing", () => {
  const credit = windowOf();
  for (let i = 0; i < 3; i++) credit.received(MIB, 1, 0);
  expect(credit.size).toBe(256 * KIB);
});
