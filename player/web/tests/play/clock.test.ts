/** The clock by exact values. */

import { expect, test } from "vitest";
import { type PlayClock, advanced, sought, toggled } from "../../src/play/clock.ts";

const CLOCK: PlayClock = { duration: 10, time: 4, playing: true, loop: true };

test("it advances, wraps, or stops at the end", () => {
  expect(advanced(CLOCK, 0.5)).toEqual({ ...CLOCK, time: 4.5 });
  expect(advanced(CLOCK, 6)).toEqual({ ...CLOCK, time: 0 });
  expect(advanced(CLOCK, 27.5)).toEqual({ ...CLOCK, time: 1.5 });
  expect(advanced({ ...CLOCK, loop: false }, 6)).toEqual({ duration: 10, time: 10, playing: false, loop: false });
  const paused = { ...CLOCK, playing: false };
  expect(advanced(paused, 1)).toBe(paused);
});

test("a seek stays within the show", () => {
  expect([-9, -4, 1, 6, 99].map((seconds) => sought(CLOCK, seconds).time)).toEqual([0, 0, 5, 10, 10]);
});

test("it is toggled, from the start where it had come to the end", () => {
  expect(toggled(CLOCK)).toEqual({ ...CLOCK, playing: false });
  expect(toggled({ ...CLOCK, playing: false })).toEqual(CLOCK);
  expect(toggled({ ...CLOCK, time: 10, playing: false })).toEqual({ ...CLOCK, time: 0 });
});
