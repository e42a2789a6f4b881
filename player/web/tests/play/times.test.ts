import { expect, test } from "vitest";

import { frameAt, timeOf } from "../../src/play/times.ts";

/** Chunks of 3, 2 and 4 frames, of 0.3, 0.1 and 0.2 s. */
const TIMES = { starts: [0, 0.3, 0.4], firstFrames: [0, 3, 5], duration: 0.6, frameCount: 9 };

test("a frame begins where its chunk's mean rate says", () => {
  const found = Array.from({ length: 9 }, (_, frame) => timeOf(TIMES, frame));
  const wanted = [0, 0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55];
  found.forEach((time, frame) => expect(time).toBeCloseTo(wanted[frame], 12));
});

test("a time belongs to the frame that has begun", () => {
  expect([0, 0.05, 0.1, 0.29, 0.3, 0.34, 0.36, 0.4, 0.59].map((time) => frameAt(TIMES, time))).toEqual([
    0, 0, 1, 2, 3, 3, 4, 5, 8,
  ]);
});

test("times outside give the first or the last frame", () => {
  expect([frameAt(TIMES, -1), frameAt(TIMES, 0.6), frameAt(TIMES, 99)]).toEqual([0, 8, 8]);
});

test("a frame's own time gives it back", () => {
  for (let frame = 0; frame < 9; frame++) expect(frameAt(TIMES, timeOf(TIMES, frame))).toBe(frame);
  const long = { starts: [0, 1001], firstFrames: [0, 30000], duration: 2002, frameCount: 60000 };
  for (let frame = 0; frame < 60000; frame += 7) expect(frameAt(long, timeOf(long, frame))).toBe(frame);
});
