/** The choice of rungs: exact means, down at once, up after lasting headroom, and a machine that is too slow. */

import { expect, test } from "vitest";
import { ABR, RungChooser } from "../../src/fetch/abr.ts";
import { Throughput } from "../../src/fetch/throughput.ts";
import { UsageError } from "../../src/format/errors.ts";
import { random } from "../shows.ts";

const RATES = [80e6, 15e6, 40e6, 25e6]; // in no order, as a manifest may have them
const [FULL, LOW, HIGH, MEDIUM] = [0, 1, 2, 3];

/** A transfer at `rate` with a choice every 0.1 s -> (time, rung) of every change. */
function fed(chooser: RungChooser, rate: number, seconds: number, start: number): [number, number][] {
  const changes: [number, number][] = [];
  for (let i = 0; i < Math.round(seconds * 10); i++) {
    const now = start + (i + 1) / 10;
    chooser.throughput.add(rate / 10, 0.1);
    const before = chooser.current;
    const after = chooser.choose(RATES, now);
    if (before !== after) changes.push([now - start, after]);
  }
  return changes;
}

test("means are exact", () => {
  const throughput = new Throughput({ fastS: 1, slowS: 4 });
  expect([throughput.estimate, throughput.latest]).toEqual([null, null]);
  throughput.add(10e6, 1);
  expect(throughput.estimate).toBeCloseTo(10e6, 3);
  throughput.add(2e6, 1);
  // fast: (0.25 * 10 + 0.5 * 2) / 0.75
  expect(throughput.estimate).toBeCloseTo(14e6 / 3, 3);
  throughput.add(100e6, 1);
  const kept = 0.5 ** 0.25;
  expect(throughput.estimate).toBeCloseTo((kept * (kept * 10e6 + 2e6) + 100e6) / (kept * kept + kept + 1), 3);
  // fast: (0.125 * 10 + 0.25 * 2 + 0.5 * 100) / 0.875
  expect(throughput.latest).toBeCloseTo(51.75e6 / 0.875, 3);
  throughput.add(1e6, 0);
  expect(throughput.latest).toBeCloseTo(51.75e6 / 0.875, 3);
});

test("a pause ages what was measured before it, by a second at most", () => {
  const [one, two] = [new Throughput({ fastS: 1, slowS: 1 }), new Throughput({ fastS: 1, slowS: 1 })];
  for (const [throughput, after] of [
    [one, 1],
    [two, 60],
  ] as const) {
    throughput.add(10e6, 1);
    throughput.add(2e6, 1, after);
    // Weights 0.125 and 0.75.
    expect(throughput.estimate).toBeCloseTo((0.125 * 10e6 + 0.75 * 2e6) / 0.875, 3);
  }
});

test("an estimate lies between the samples", () => {
  const next = random(4);
  for (let run = 0; run < 200; run++) {
    const throughput = new Throughput({ fastS: 0.75, slowS: 4 });
    const rates: number[] = [];
    for (let i = 0; i < 1 + 30 * next(); i++) {
      const [bits, seconds] = [1e9 * next(), 1e-3 + 10 * next()];
      throughput.add(bits, seconds);
      rates.push(bits / seconds);
    }
    expect(throughput.estimate).toBeGreaterThanOrEqual(Math.min(...rates) * (1 - 1e-9));
    expect(throughput.estimate).toBeLessThanOrEqual(Math.max(...rates) * (1 + 1e-9));
  }
});

test("it begins with the lowest and takes the first measurement at once", () => {
  const chooser = new RungChooser(RATES);
  expect(chooser.current).toBe(LOW);
  expect(chooser.choose(RATES, 0)).toBe(LOW);
  chooser.throughput.add(60e6, 1);
  expect(chooser.choose(RATES, 1)).toBe(HIGH);
});

test.each([
  [32e6, MEDIUM],
  [20e6, LOW],
  [5e6, LOW],
])("it goes down within two seconds at %d bit/s", (rate, rung) => {
  const chooser = new RungChooser(RATES);
  fed(chooser, 200e6, 15, 0);
  expect(chooser.current).toBe(FULL);
  const changes = fed(chooser, rate, 6, 15);
  expect(changes[0][0]).toBeLessThanOrEqual(2);
  expect(chooser.current).toBe(rung);
});

test("it goes up only after ten seconds of headroom", () => {
  const chooser = new RungChooser(RATES);
  fed(chooser, 20e6, 5, 0);
  expect(chooser.current).toBe(LOW);
  const changes = fed(chooser, 100e6, 25, 5);
  expect(changes[0][0]).toBeGreaterThanOrEqual(10);
  expect(chooser.current).toBe(FULL);
  expect(changes.length).toBeLessThanOrEqual(3);
});

test("a dip starts the wait anew", () => {
  const chooser = new RungChooser(RATES);
  fed(chooser, 20e6, 5, 0);
  expect(fed(chooser, 100e6, 8, 5)).toEqual([]);
  expect(fed(chooser, 10e6, 2, 13)).toEqual([]);
  const changes = fed(chooser, 100e6, 20, 15);
  expect(changes[0][0]).toBeGreaterThanOrEqual(10);
});

test("a chunk whose middle rung is the largest is no trouble", () => {
  const chooser = new RungChooser(RATES);
  fed(chooser, 20e6, 5, 0);
  fed(chooser, 60e6, 5, 5);
  const odd = [80e6, 15e6, 40e6, 300e6];
  chooser.choose(odd, 10);
  expect(chooser.choose(odd, 30)).toBe(HIGH);
});

test("a locked rung stays", () => {
  const chooser = new RungChooser(RATES);
  chooser.lock(FULL);
  expect(fed(chooser, 1e6, 5, 0)).toEqual([]);
  expect([chooser.current, chooser.locked]).toEqual([FULL, FULL]);
  expect(chooser.givesUp({ leftBits: 1e9, lowerBits: 1, bufferS: 0 })).toBe(false);
  chooser.lock(null);
  expect(chooser.choose(RATES, 5)).toBe(LOW);
});

test("a segment that comes too late is given up", () => {
  const chooser = new RungChooser(RATES);
  const givesUp = (leftBits: number, lowerBits: number, bufferS: number) =>
    chooser.givesUp({ leftBits, lowerBits, bufferS });
  expect(givesUp(80e6, 15e6, 0)).toBe(false); // nothing is measured
  chooser.throughput.add(5e6, 1);
  expect(givesUp(80e6, 15e6, 12)).toBe(true);
  expect(givesUp(5e6, 4e6, 12)).toBe(false); // nearly here
  expect(givesUp(20e6, 15e6, 12)).toBe(false); // nothing to win
  expect(givesUp(5e6, 1e6, 0.5)).toBe(true);
  expect(givesUp(5e6, 8e6, 0)).toBe(false);
});

test("a machine that is too slow gets a lower rung for a while", () => {
  const chooser = new RungChooser(RATES);
  fed(chooser, 200e6, 15, 0);
  let now = 15;
  for (let i = 0; i < 120; i++) {
    now = 15 + i / 30;
    chooser.spent(FULL, 0.05, { interval: 1 / 30, now });
  }
  expect(chooser.choose(RATES, now)).toBe(HIGH);
  const later = now + ABR.restS;
  chooser.throughput.add(200e6, 1);
  chooser.choose(RATES, later);
  expect(chooser.choose(RATES, later + ABR.headroomS)).toBe(FULL);
});

test("a machine that keeps up is left alone", () => {
  const chooser = new RungChooser(RATES);
  fed(chooser, 200e6, 15, 0);
  for (let i = 0; i < 300; i++) chooser.spent(FULL, 0.02, { interval: 1 / 30, now: 15 + i / 30 });
  expect(chooser.choose(RATES, 25)).toBe(FULL);
  for (let i = 0; i < 300; i++) chooser.spent(LOW, 1, { interval: 1 / 30, now: 25 + i / 30 });
  expect(chooser.choose(RATES, 35)).toBe(FULL);
});

test("only what is allowed is chosen", () => {
  const chooser = new RungChooser(RATES);
  chooser.allow([HIGH, MEDIUM]);
  expect(chooser.current).toBe(MEDIUM);
  fed(chooser, 200e6, 15, 0);
  expect(chooser.current).toBe(HIGH);
  fed(chooser, 1e6, 15, 15);
  expect(chooser.current).toBe(MEDIUM);
  chooser.allow([LOW]);
  expect(chooser.current).toBe(LOW);
  fed(chooser, 200e6, 20, 30);
  expect(chooser.current).toBe(LOW);
  chooser.allow([0, 1, 2, 3]);
  fed(chooser, 200e6, 20, 50);
  expect(chooser.current).toBe(FULL);
  expect(() => chooser.allow([])).toThrow(UsageError);
});

test("a lock on what is not allowed waits until it is", () => {
  const chooser = new RungChooser(RATES);
  chooser.lock(FULL);
  chooser.allow([LOW, MEDIUM]);
  expect([chooser.locked, chooser.current]).toEqual([null, LOW]);
  chooser.allow([FULL, LOW]);
  expect([chooser.locked, chooser.current]).toEqual([FULL, FULL]);
});

/** Plays over a link of (until, bit/s) with a 12 s buffer -> seconds without a picture, rungs of the chunks. */
function rebuffered(link: readonly (readonly [number, number])[]): { stalled: number; played: number[] } {
  const chooser = new RungChooser(RATES);
  const played: number[] = [];
  const step = 0.05;
  let [now, ahead, stalled, rung, left, idle] = [0, 0, 0, LOW, 0, 0];
  while (now < link.at(-1)![0]) {
    const rate = link.find(([until]) => now < until)![1];
    if (left <= 0 && ahead < 12) {
      rung = chooser.choose(RATES, now);
      left = RATES[rung];
    }
    if (left > 0) {
      chooser.throughput.add(rate * step, step, idle);
      idle = 0;
      left -= rate * step;
      const lower = chooser.choose(RATES, now);
      if (left <= 0) {
        ahead += 1;
        played.push(rung);
      } else if (chooser.givesUp({ leftBits: left, lowerBits: RATES[lower], bufferS: ahead })) {
        [rung, left] = [lower, RATES[lower]];
      }
    } else idle += step;
    now += step;
    if (ahead >= step) ahead -= step;
    else if (played.length) stalled += step;
  }
  return { stalled, played };
}

test("a falling link stalls only where nothing fits", () => {
  const fits = rebuffered([
    [20, 120e6],
    [40, 40e6],
    [60, 19e6],
    [90, 120e6],
  ]);
  expect(fits.stalled).toBe(0);
  expect(fits.played.slice(0, 20)).toContain(FULL);
  expect(fits.played).toContain(LOW);
  expect(fits.played.at(-1)).toBe(FULL);
  const starved = rebuffered([
    [20, 100e6],
    [60, 5e6],
    [90, 100e6],
  ]);
  expect(starved.stalled).toBeGreaterThan(0);
  expect(starved.stalled).toBeLessThan(40 * (1 - 5 / 15));
});
