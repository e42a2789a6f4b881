import { expect, test } from "vitest";
import { bufferedGradient, keyTarget, thumbnailAt } from "../../src/face/timeline.ts";

const IMAGE = new Blob();
const THUMBNAILS = [2, 4, 6].map((time) => ({ time, image: IMAGE }));

test.each([
  [0, 2],
  [2, 2],
  [3.9, 2],
  [4, 4],
  [100, 6],
])("at %f s the picture of %f s is seen", (time, wanted) => {
  expect(thumbnailAt(THUMBNAILS, time)?.time).toBe(wanted);
});

test("without pictures there is none", () => expect(thumbnailAt([], 3)).toBeNull());

test.each([
  ["ArrowRight", 7],
  ["ArrowUp", 7],
  ["ArrowLeft", 3],
  ["ArrowDown", 3],
  ["PageUp", 15],
  ["PageDown", 0],
  ["Home", 0],
  ["End", 20],
  ["a", null],
  ["Tab", null],
])("%s leads from 5 s to %s", (key, wanted) => {
  expect(keyTarget(key, { time: 5, duration: 20 })).toBe(wanted);
});

test("no key leads beyond the end", () => {
  expect(keyTarget("PageUp", { time: 15, duration: 20 })).toBe(20);
});

test("what is here is drawn over the track", () => {
  expect(bufferedGradient([], 10)).toBe("none");
  expect(bufferedGradient([[0, 1]], 0)).toBe("none");
  expect(
    bufferedGradient(
      [
        [1, 2.5],
        [4, 99],
      ],
      10,
    ),
  ).toBe(
    "linear-gradient(to right, transparent 10%, var(--here) 10%, var(--here) 25%, transparent 25%, " +
      "transparent 40%, var(--here) 40%, var(--here) 100%, transparent 100%)",
  );
});
