import { expect, test } from "vitest";
import type { ComfortBox } from "../../src/head/comfort.ts";
import { centred, headPose, moved, shifted, turned, type FlyHead } from "../../src/head/fly.ts";

const BOX: ComfortBox = { low: [-0.2, -0.1, -0.3], high: [0.4, 0.1, 0.1] };
const HEAD: FlyHead = { position: [0.1, 0.02, -0.05], yaw: 0.5, pitch: -0.25 };

function expectNear(got: ArrayLike<number>, wanted: readonly number[], digits = 12): void {
  expect(got.length).toBe(wanted.length);
  wanted.forEach((value, i) => expect(got[i]).toBeCloseTo(value, digits));
}

test("a head begins in the middle and looks forward", () => {
  expect(centred({ low: [-1, 0, -3], high: [1, 1, 1] })).toEqual({ position: [0, 0.5, -1], yaw: 0, pitch: 0 });
});

// The same numbers as the Python player's, from here on.
test("a turn goes round, and stops short of straight up", () => {
  const head = turned(HEAD, { right: 3, up: 2 });
  expect(head.yaw).toBeCloseTo(-2.7831853071795862, 12);
  expect(head.pitch).toBeCloseTo(1.5533430342749532, 12);
  expect(turned(HEAD, { right: 0, up: -9 }).pitch).toBeCloseTo(-1.5533430342749532, 12);
});

test("keys move along the yaw at half the longest side a second", () => {
  const head = moved(HEAD, BOX, ["w", "e"], 0.25, 0);
  expectNear(head.position, [0.12542537870657838, 0.07303300858899107, -0.09654084354228093]);
});

test("keys that cancel, other keys and no keys move nothing", () => {
  expect(moved(HEAD, BOX, ["a", "d"], 1, 0)).toBe(HEAD);
  expect(moved(HEAD, BOX, ["q"], 1, 0)).toBe(HEAD);
  expect(moved(HEAD, BOX, [], 1, 0)).toBe(HEAD);
});

test("a shift in metres", () => {
  const head = shifted(HEAD, BOX, { right: 0.03, up: -0.02, forward: 0.05 }, 0);
  expectNear(head.position, [0.15029875378692134, 0, -0.07949636193639255]);
});

test("a sensor's heading turns the way", () => {
  const way = { right: 0.03, up: -0.02, forward: 0.05 };
  const steered = shifted(HEAD, BOX, way, 0);
  const sensed = shifted({ ...HEAD, yaw: 0.2 }, BOX, way, 0.3);
  expectNear(sensed.position, [...steered.position]);
});

test("the box bounds every way", () => {
  expect(moved(HEAD, BOX, ["d"], 100, -0.5).position).toEqual([0.4, 0.02, -0.05]);
  expect(moved(HEAD, BOX, ["c"], 100, 0).position).toEqual([0.1, -0.1, -0.05]);
});

test("a head outside the box stays there until it is moved", () => {
  const far = { ...HEAD, position: [3, 0, 0] as const };
  expect(shifted(far, BOX, { right: 0, up: 0, forward: 0 }, 0)).toBe(far);
  expect(shifted(far, BOX, { right: 0, up: 0.01, forward: 0 }, 0).position).toEqual([0.4, 0.01, 0]);
});

test("the pose, column by column", () => {
  expectNear(
    headPose(HEAD),
    [
      [0.8775825618903728, 0.0, 0.479425538604203, 0.0],
      [0.11861177641841196, 0.9689124217106447, -0.21711740038440563, 0.0],
      [-0.46452135963892854, 0.24740395925452294, 0.8503006452922328, 0.0],
      [0.1, 0.02, -0.05, 1.0],
    ].flat(),
    7,
  );
});
