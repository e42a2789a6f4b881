/** Splits long edges of a mesh, so that straight triangles follow curved shells closely. */

import type { VertexMesh } from "./draw_mesh.ts";
import { grown } from "./growing.ts";

// The children of a triangle by which of its edges 01, 12, 20 are split (bits 0, 1, 2).
// Corners 0, 1, 2; midpoints 3 (of 01), 4 (of 12), 5 (of 20). Winding is kept.
const CHILDREN: readonly (readonly number[])[] = [
  [0, 1, 2],
  [0, 3, 2, 3, 1, 2],
  [0, 1, 4, 0, 4, 2],
  [3, 1, 4, 0, 3, 4, 0, 4, 2],
  [0, 1, 5, 5, 1, 2],
  [0, 3, 5, 3, 1, 2, 3, 2, 5],
  [5, 4, 2, 0, 1, 4, 0, 4, 5],
  [0, 3, 5, 3, 1, 4, 5, 4, 2, 3, 4, 5],
];

/** A show may declare few but huge triangles; splitting them must not take memory without bound. */
export const MOST_TRIANGLES = 1 << 22;

/** Longest edge of a triangle on a sphere, in layer texels; on a plane every triangle is exact. */
export const LONGEST_EDGE = 16;

/**
 * Split until no edge is longer than `longest` layer texels, in place.
 *
 * Whether an edge is split depends on nothing but its two ends, so neighbours agree and no crack opens. Drawing order
 * is kept: children stand where their parent stood. Stops before there are more than `most` triangles.
 */
export function refine(mesh: VertexMesh, longest = LONGEST_EDGE, most = MOST_TRIANGLES): void {
  for (;;) {
    const codes = edgeCodes(mesh, longest);
    if (codes.children === mesh.triangles.length / 3 || codes.children > most) return;
    split(mesh, codes);
  }
}

interface EdgeCodes {
  /** (M) which edges of each triangle are split. */
  readonly code: Uint8Array;
  readonly children: number;
}

function edgeCodes(mesh: VertexMesh, longest: number): EdgeCodes {
  const { triangles } = mesh;
  const grid = mesh.grid.array;
  const code = new Uint8Array(triangles.length / 3);
  const limit = longest * longest;
  let children = 0;
  for (let t = 0; t < code.length; t++) {
    const a = 2 * triangles[3 * t];
    const b = 2 * triangles[3 * t + 1];
    const c = 2 * triangles[3 * t + 2];
    const found =
      Number(squared(grid, a, b) > limit) +
      2 * Number(squared(grid, b, c) > limit) +
      4 * Number(squared(grid, c, a) > limit);
    code[t] = found;
    children += CHILDREN[found].length / 3;
  }
  return { code, children };
}

function squared(grid: Float32Array, a: number, b: number): number {
  const dx = grid[a] - grid[b];
  const dy = grid[a + 1] - grid[b + 1];
  return dx * dx + dy * dy;
}

function split(mesh: VertexMesh, { code, children }: EdgeCodes): void {
  const { triangles } = mesh;
  const out = new Uint32Array(3 * children);
  const middles = new Map<number, number>();
  const count = mesh.count;
  const corner = [0, 0, 0, 0, 0, 0];
  let at = 0;
  let triangle = 0;
  mesh.layerTriangles = mesh.layerTriangles.map((layer) => {
    const start = at;
    for (const end = triangle + layer; triangle < end; triangle++) {
      for (let i = 0; i < 3; i++) corner[i] = triangles[3 * triangle + i];
      for (let i = 0; i < 3; i++) {
        if (code[triangle] & (1 << i)) corner[3 + i] = middle(mesh, middles, count, corner[i], corner[(i + 1) % 3]);
      }
      for (const child of CHILDREN[code[triangle]]) out[at++] = corner[child];
    }
    return (at - start) / 3;
  });
  mesh.triangles = out;
}

function middle(mesh: VertexMesh, middles: Map<number, number>, count: number, a: number, b: number): number {
  const key = a < b ? a * count + b : b * count + a;
  const known = middles.get(key);
  if (known !== undefined) return known;
  const vertex = mesh.count++;
  middles.set(key, vertex);
  const i = 2 * vertex;
  for (const list of [mesh.grid, mesh.texels]) {
    const array = grown(list, i + 2);
    array[i] = 0.5 * (array[2 * a] + array[2 * b]);
    array[i + 1] = 0.5 * (array[2 * a + 1] + array[2 * b + 1]);
  }
  const source = grown(mesh.source, i + 2);
  const parents = grown(mesh.parents, i + 2);
  source[i] = -1;
  source[i + 1] = 0;
  parents[i] = a;
  parents[i + 1] = b;
  return vertex;
}
