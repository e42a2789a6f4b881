import { describe, expect, test } from "vitest";

import { flatProjection, inverseRigid } from "../../src/draw/eye.ts";
import { type LayerBound, layerBound, mayBeSeen, sidePlanes } from "../../src/mesh/bounds.ts";

const QUARTER = Math.PI / 2;

/** T_show_head of a head at x that looks `yaw` to the right. */
function head(yaw: number, x = 0): Float32Array {
  const [s, c] = [Math.sin(yaw), Math.cos(yaw)];
  return Float32Array.from([c, 0, s, 0, 0, 1, 0, 0, -s, 0, c, 0, x, 0, 0, 1]);
}

function seen(bound: LayerBound, pose: Float32Array): boolean {
  return mayBeSeen(bound, sidePlanes(flatProjection(QUARTER, 100, 100), inverseRigid(pose)));
}

const AHEAD = { axis: [0, 0, -1], angle: 0.1, low: 0, high: 0 } as const;

describe("side planes", () => {
  test("of a view of 90 degrees stand at 45 degrees", () => {
    const planes = sidePlanes(flatProjection(QUARTER, 100, 100), inverseRigid(head(0)));
    const half = Math.SQRT1_2;
    const wanted = [
      [half, 0, -half],
      [-half, 0, -half],
      [0, half, -half],
      [0, -half, -half],
    ];
    planes.forEach(({ normal, offset }, i) => {
      wanted[i].forEach((value, axis) => expect(normal[axis]).toBeCloseTo(value, 6));
      expect(offset).toBeCloseTo(0, 6);
    });
  });

  test("move with the head", () => {
    const [left] = sidePlanes(flatProjection(QUARTER, 100, 100), inverseRigid(head(0, 2)));
    expect(left.normal[0] * 2 + left.offset).toBeCloseTo(0, 6);
  });
});

describe("a layer", () => {
  test("ahead is seen, behind and far to the side it is not", () => {
    expect(seen(AHEAD, head(0))).toBe(true);
    expect(seen(AHEAD, head(Math.PI))).toBe(false);
    expect(seen(AHEAD, head(QUARTER))).toBe(false);
  });

  test("is seen as long as a part of its cone is", () => {
    // The view reaches 45 degrees to the side, the cone 0.1 towards it.
    expect(seen(AHEAD, head(QUARTER / 2 + 0.09))).toBe(true);
    expect(seen(AHEAD, head(QUARTER / 2 + 0.11))).toBe(false);
  });

  test("near the head is judged by where the head is", () => {
    const near = { axis: [0, 0, -1], angle: 0.01, low: 1, high: 1 } as const; // a point 1 m ahead of the origin
    expect(seen(near, head(0, 0.95))).toBe(true);
    expect(seen(near, head(0, 1.05))).toBe(false);
    expect(seen({ ...near, low: 0 }, head(0, 1.05))).toBe(true); // a part of it is infinitely far
  });

  test("all around is always seen", () => {
    const around = { axis: [0, 0, -1], angle: Math.PI, low: 0, high: 2 } as const;
    for (let yaw = 0; yaw < 6; yaw += 0.5) expect(seen(around, head(yaw))).toBe(true);
  });
});

test("the bound of vertices is the cone around their mean direction", () => {
  const [s, c] = [Math.sin(0.3), Math.cos(0.3)];
  const directions = Float32Array.of(s, 0, -c, -s, 0, -c, 0, 5, 0);
  const lows = Float32Array.of(0.5, 0.25, 9);
  const highs = Float32Array.of(0.5, 0.75, 9);
  const bound = layerBound(directions, Uint32Array.of(0, 1), lows, highs);
  expect(bound.axis[0]).toBeCloseTo(0, 6);
  expect(bound.axis[2]).toBeCloseTo(-1, 6);
  expect(bound.angle).toBeCloseTo(0.3, 6);
  expect(bound.low).toBeCloseTo(0.25, 6);
  expect(bound.high).toBeCloseTo(0.75, 6);
});
