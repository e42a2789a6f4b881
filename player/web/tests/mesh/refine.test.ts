import { expect, test } from "vitest";

import { vertexMesh, type VertexMesh } from "../../src/mesh/draw_mesh.ts";
import { refine } from "../../src/mesh/refine.ts";
import { geometry, pair, square } from "./layers.ts";

function edges(mesh: VertexMesh): Map<string, number> {
  const grid = mesh.grid.array;
  const at = (v: number): string => `${grid[2 * v]},${grid[2 * v + 1]}`;
  const found = new Map<string, number>();
  for (let t = 0; t < mesh.triangles.length; t += 3) {
    for (let i = 0; i < 3; i++) {
      const ends = [at(mesh.triangles[t + i]), at(mesh.triangles[t + ((i + 1) % 3)])].sort();
      const key = ends.join(" ");
      found.set(key, (found.get(key) ?? 0) + 1);
    }
  }
  return found;
}

function area(mesh: VertexMesh): number {
  const grid = mesh.grid.array;
  let sum = 0;
  for (let t = 0; t < mesh.triangles.length; t += 3) {
    const [a, b, c] = [0, 1, 2].map((i) => 2 * mesh.triangles[t + i]);
    sum +=
      0.5 * ((grid[b] - grid[a]) * (grid[c + 1] - grid[a + 1]) - (grid[c] - grid[a]) * (grid[b + 1] - grid[a + 1]));
  }
  return sum;
}

test("no edge is longer than asked for, and none is torn", () => {
  const mesh = vertexMesh(geometry([pair()]));
  const before = area(mesh);
  refine(mesh, 3);
  for (const key of edges(mesh).keys()) {
    const [a, b] = key.split(" ").map((point) => point.split(",").map(Number));
    expect(Math.hypot(a[0] - b[0], a[1] - b[1])).toBeLessThanOrEqual(3);
  }
  // Every inner edge belongs to two triangles, every outer one to one; the border between the rects counts as inner.
  const outer = [...edges(mesh)].filter(([, count]) => count === 1).map(([key]) => key);
  const length = outer.reduce((sum, key) => {
    const [a, b] = key.split(" ").map((point) => point.split(",").map(Number));
    return sum + Math.hypot(a[0] - b[0], a[1] - b[1]);
  }, 0);
  expect(length).toBeCloseTo(2 * (16 + 8), 9);
  expect(area(mesh)).toBeCloseTo(before, 9);
});

test("children stand where their parent stood", () => {
  const mesh = vertexMesh(geometry([square(8, 1), square(32, 1)]));
  refine(mesh, 16);
  expect(mesh.layerTriangles[0]).toBe(2);
  expect(mesh.layerTriangles[0] + mesh.layerTriangles[1]).toBe(mesh.triangles.length / 3);
});

test("it stops before there are too many triangles", () => {
  const mesh = vertexMesh(geometry([square(60000, 1)]));
  refine(mesh, 1, 1000);
  expect(mesh.triangles.length / 3).toBeLessThanOrEqual(1000);
  expect(mesh.triangles.length / 3).toBeGreaterThan(250);
});
