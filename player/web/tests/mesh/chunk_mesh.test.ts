import { expect, test } from "vitest";

import { chunkMesh, type DrawMesh } from "../../src/mesh/chunk_mesh.ts";
import { EMPTY, geometry, pair, PLANE, SPHERE, square } from "./layers.ts";

/** The vertices that triangles name: texels and disparities, corner by corner. */
function corners(mesh: DrawMesh, disparities = mesh.disparities): number[][] {
  return [...mesh.indices].map((v) => [mesh.texels[2 * v], mesh.texels[2 * v + 1], disparities[v]]);
}

test("a point on the border of two rects becomes two vertices, each with its own texel", () => {
  const { mesh } = chunkMesh(geometry([pair()]), PLANE);
  expect(mesh.disparities.length).toBe(8);
  expect(corners(mesh).slice(0, 3)).toEqual([
    [100, 50, 0.5],
    [108, 50, 0.5],
    [108, 58, 0.5],
  ]);
  expect(corners(mesh).slice(6, 9)).toEqual([
    [20, 30, 0.5],
    [28, 30, 1],
    [28, 38, 1],
  ]);
});

test("a vertex lies in its texel's direction", () => {
  const { mesh } = chunkMesh(geometry([pair()]), PLANE);
  const [first, , third] = mesh.indices;
  expect([...mesh.directions.subarray(3 * first, 3 * first + 3)]).toEqual([-1, 1, -1]);
  expect([...mesh.directions.subarray(3 * third, 3 * third + 3)]).toEqual([-0.75, 0.75, -1]);
});

test("what moves is one range at the end, and only it changes", () => {
  const { mesh, moving } = chunkMesh(geometry([pair([65535, 0, 13107])], 3), PLANE);
  expect(mesh.firstMoving).toBe(7);
  expect(moving.count).toBe(1);
  expect([0, 1, 2].map((frame) => [...moving.at(frame)])).toEqual([[1], [0.5], [Math.fround(0.6)]]);
  expect([...moving.at(0)]).toEqual([1]); // frames may be asked for in any order
});

test("nothing moves in a still chunk", () => {
  const { mesh, moving } = chunkMesh(geometry([pair()]), PLANE);
  expect(mesh.firstMoving).toBe(mesh.disparities.length);
  expect(moving.at(0).length).toBe(0);
});

test("a point in thousands of rects costs no more than its copies", () => {
  const count = 20_000;
  const layer = {
    ...square(8, 1),
    rects: Uint16Array.from({ length: 6 * count }, (_, i) => [0, 0, 8, 8, 0, 0][i % 6]),
    triangles: Uint32Array.from({ length: 3 * 2 * count }, (_, i) => [0, 1, 3][i % 3]),
    triangleRect: Uint16Array.from({ length: 2 * count }, (_, i) => i % count),
  };
  const { mesh } = chunkMesh(geometry([layer]), PLANE);
  expect(mesh.disparities.length).toBe(3 * count);
  expect(new Set(mesh.indices.subarray(0, 3 * count))).toEqual(new Set(mesh.indices.subarray(3 * count)));
}, 5000);

test("layers keep their order, and empty ones are not drawn", () => {
  const { mesh } = chunkMesh(geometry([square(4, 0.25), EMPTY, pair()]), PLANE);
  expect(mesh.layers.map(({ first, count }) => [first, count])).toEqual([
    [0, 6],
    [6, 12],
  ]);
  expect(chunkMesh(geometry([EMPTY]), PLANE).mesh.layers).toEqual([]);
});

test("on a sphere long edges are split, on a plane they are not", () => {
  expect(chunkMesh(geometry([square(32, 1)]), PLANE).mesh.indices.length).toBe(6);
  const { mesh } = chunkMesh(geometry([square(32, 1)]), SPHERE);
  expect(mesh.indices.length).toBeGreaterThan(6);
  for (let v = 0; v < mesh.disparities.length; v++) {
    expect(Math.hypot(...mesh.directions.subarray(3 * v, 3 * v + 3))).toBeCloseTo(1, 6);
  }
});

test("a middle has the mean of its ends' disparities, and moves with them", () => {
  const layer = { ...square(20, 0), low: 0, high: 1, base: Uint16Array.of(0, 65535, 0, 65535) };
  const { mesh } = chunkMesh(geometry([layer]), SPHERE);
  expect([...mesh.disparities].sort()).toEqual([0, 0, 0, 0.5, 0.5, 0.5, 1, 1, 1]);
  // The right upper corner moves, and with it the middles of the upper and the right edge.
  const moves = { ...layer, moving: Uint32Array.of(1), steps: Uint16Array.of(0) };
  const { moving } = chunkMesh(geometry([moves], 2), SPHERE);
  expect([...moving.at(0)].sort()).toEqual([0.5, 1, 1]);
  expect([...moving.at(1)].sort()).toEqual([0, 0, 0.5]);
});

test("bounds cover all frames of the chunk", () => {
  const { mesh } = chunkMesh(geometry([pair([13107, 65535, 0])], 3), PLANE);
  const longest = Math.hypot(1, 1, 1); // of the directions: the corner at (-1, 1, -1)
  expect(mesh.layers[0].bound.low).toBeCloseTo(0.5 / longest, 6);
  expect(mesh.layers[0].bound.high).toBeLessThanOrEqual(1);
  expect(mesh.layers[0].bound.high).toBeCloseTo(1 / Math.hypot(0.5, 0.75, 1), 6);
});
