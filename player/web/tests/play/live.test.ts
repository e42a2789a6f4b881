/** The distance to the live edge is reached and held, at a speed that nobody notices. */

import { expect, test } from "vitest";
import { type LiveHold, calm, held, liveHold, stalled, targetS } from "../../src/play/live.ts";

const STEP = 1 / 60;
const HOLD = liveHold(0.5);

test("by exact values", () => {
  expect(targetS(HOLD)).toBe(0.65);
  const after = (behind: number) => held(HOLD, 9, { seconds: 1, edge: 9 + 0.65 + behind, duration: 100 });
  expect(after(0)).toBeCloseTo(10, 12);
  expect(after(0.1)).toBeCloseTo(10.05, 12);
  expect(after(-0.1)).toBeCloseTo(9.95, 12);
  expect(after(1)).toBeCloseTo(10.1, 12);
  expect(after(-1)).toBeCloseTo(9.9, 12);
  expect(after(3.5)).toBeCloseTo(12.5, 12);
  expect(held(HOLD, 9.9, { seconds: 1, edge: 10, duration: 10 })).toBe(10 - 1e-3);
});

/** Distances to the edge of a show whose chunks are told as soon as they are made; each step. */
function followed(hold: LiveHold, start: number, seconds: number): number[] {
  const distances: number[] = [];
  let time = start;
  for (let i = 0; i < Math.round(seconds / STEP); i++) {
    const now = 10 + i * STEP;
    const newest = Math.floor(now / 0.5) * 0.5;
    const edge = newest + Math.min(now - newest, 0.5);
    const before = time;
    time = held(hold, time, { seconds: STEP, edge, duration: newest });
    expect(time).toBeLessThan(newest);
    const jumps = Math.abs(edge - targetS(hold) - before) > 3;
    if (!jumps) expect(Math.abs(time - before)).toBeLessThan(STEP * 1.1 + 1e-9);
    distances.push(edge - time);
  }
  return distances;
}

test.each([0.5, 0.65, 1.2, 2.5, 8])("the distance is held from %d s behind", (behind) => {
  for (const distance of followed(HOLD, 10 - behind, 60).slice(-600)) {
    expect(Math.abs(distance - targetS(HOLD))).toBeLessThan(0.03);
  }
});

test("a viewer who sought is left where he is", () => {
  expect(followed({ ...HOLD, following: false }, 4, 5).at(-1)).toBeCloseTo(6, 1);
});

test("stalls cost distance and calm gives it back", () => {
  expect(stalled(HOLD).marginS).toBeCloseTo(0.25, 12);
  let hold = HOLD;
  for (let i = 0; i < 100; i++) hold = stalled(hold);
  expect(hold.marginS).toBe(2);
  expect(calm(hold, 10).marginS).toBeCloseTo(1.9, 12);
  expect(calm(hold, 1e6)).toEqual(HOLD);
});
