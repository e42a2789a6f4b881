import { expect, test } from "vitest";

import { inverseRigid } from "../../src/draw/eye.ts";
import { centre, multiplied } from "../../src/xr/poses.ts";

/** T_reference_head: at a position, turned `yaw` to the right, then `pitch` up. */
function head(position: readonly [number, number, number], yaw: number, pitch = 0): Float32Array {
  const [s, c, t, d] = [Math.sin(yaw), Math.cos(yaw), Math.sin(pitch), Math.cos(pitch)];
  const turn = Float32Array.from([c, 0, s, 0, 0, 1, 0, 0, -s, 0, c, 0, ...position, 1]);
  return multiplied(turn, Float32Array.from([1, 0, 0, 0, 0, d, t, 0, 0, -t, d, 0, 0, 0, 0, 1]));
}

function expectMatrix(found: ArrayLike<number>, wanted: ArrayLike<number>): void {
  expect(found.length).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) expect(found[i]).toBeCloseTo(wanted[i], 5);
}

test("a head goes to the middle and looks forward, wherever it stood", () => {
  const pose = head([1, 1.6, -2], 2.5);
  const placed = multiplied(centre(pose, [0.1, 0.2, 0.3]), pose);
  expectMatrix(placed, head([0.1, 0.2, 0.3], 0));
});

test("the horizon stays level: how far up it looks is kept", () => {
  const pose = head([0, 1, 0], -1, 0.4);
  expectMatrix(multiplied(centre(pose, [0, 0, 0]), pose), head([0, 0, 0], 0, 0.4));
});

test("a head that looks straight down has a forward as well", () => {
  const pose = head([0, 1, 0], 0.7, -Math.PI / 2);
  expectMatrix(multiplied(centre(pose, [0, 0, 0]), pose), head([0, 0, 0], 0, -Math.PI / 2));
});

test("a pose times its inverse is none", () => {
  const pose = head([1, 2, 3], 0.3, 0.2);
  expectMatrix(multiplied(pose, inverseRigid(pose)), [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
});
