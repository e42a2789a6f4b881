/** Rotations as unit quaternions (x, y, z, w), in the order of three.js and WebXR. */

import type { Vector } from "./comfort.ts";

export type Quaternion = readonly [number, number, number, number];

export const UNTURNED: Quaternion = [0, 0, 0, 1];

/** The turn by an angle in radians about one of the axes. */
export function about(axis: "x" | "y" | "z", angle: number): Quaternion {
  const sine = Math.sin(angle / 2);
  return [axis === "x" ? sine : 0, axis === "y" ? sine : 0, axis === "z" ? sine : 0, Math.cos(angle / 2)];
}

/** The turns in a row, as a matrix product: the last one first. */
export function product(...turns: readonly Quaternion[]): Quaternion {
  return turns.reduce(
    ([ax, ay, az, aw], [bx, by, bz, bw]) => [
      aw * bx + ax * bw + ay * bz - az * by,
      aw * by - ax * bz + ay * bw + az * bx,
      aw * bz + ax * by - ay * bx + az * bw,
      aw * bw - ax * bx - ay * by - az * bz,
    ],
    UNTURNED,
  );
}

/** The nine numbers of its rotation matrix, column by column. */
export function columns([x, y, z, w]: Quaternion): readonly [Vector, Vector, Vector] {
  return [
    [1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)],
    [2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)],
    [2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)],
  ];
}
