/** Layer meshes made ready to draw: one vertex per (point, rect), all layers in one index buffer from far to near. */

import type { Geometry, LayerGeometry } from "../format/geometry.ts";
import type { Projection } from "../format/projection.ts";
import { writeDirections } from "../format/projection.ts";
import { type Growing, growing, grown } from "./growing.ts";

const MOST_STEPS = 8;

/**
 * The triangles of one chunk while they are made, vertices in order of creation.
 *
 * A vertex is a copy of a point in a rect, or lies in the middle between two older vertices (`refine`).
 */
export interface VertexMesh {
  count: number;
  /** (V, 2) layer texels. */
  grid: Growing<Float32Array>;
  /** (V, 2) where they lie in the colour region at texture scale 1. */
  texels: Growing<Float32Array>;
  /** (V, 2) layer and point of a copy; of a middle -1 and 0. */
  source: Growing<Int32Array>;
  /** (V, 2) the two vertices that a middle lies between; of a copy -1. */
  parents: Growing<Int32Array>;
  /** (M, 3) drawing order, and how many of them each layer has. */
  triangles: Uint32Array;
  layerTriangles: number[];
}

/**
 * Expand the layers' shared points into vertices with one texture coordinate each.
 *
 * A point on the border of two rects has a texel in both of them, so it becomes two vertices at the same place.
 */
export function vertexMesh(geometry: Geometry): VertexMesh {
  const corners = geometry.layers.reduce((sum, layer) => sum + layer.triangles.length, 0);
  const mesh: VertexMesh = {
    count: 0,
    grid: growing(Float32Array),
    texels: growing(Float32Array),
    source: growing(Int32Array),
    parents: growing(Int32Array),
    triangles: new Uint32Array(corners),
    layerTriangles: geometry.layers.map((layer) => layer.triangles.length / 3),
  };
  let at = 0;
  geometry.layers.forEach((layer, number) => {
    addLayer(mesh, layer, number, at);
    at += layer.triangles.length;
  });
  return mesh;
}

/** (3V) float32 directions of the vertices; a vertex lies at direction / disparity. */
export function vertexDirections(mesh: VertexMesh, projection: Projection): Float32Array {
  const out = new Float32Array(3 * mesh.count);
  writeDirections(projection, mesh.grid.array.subarray(0, 2 * mesh.count), out);
  return out;
}

function addLayer(mesh: VertexMesh, layer: LayerGeometry, number: number, at: number): void {
  // The copies of a point are a linked list: nearly all points have one, those on borders of rects a few.
  const newest = new Int32Array(layer.points.length / 2).fill(-1);
  const first = mesh.count;
  const older: number[] = [];
  const rects: number[] = [];
  // A hostile show may have a point in thousands of rects: copies behind the first few are found by a table.
  const far = new Map<number, number>();
  const rectCount = layer.rects.length / 6;
  for (let corner = 0; corner < layer.triangles.length; corner++) {
    const point = layer.triangles[corner];
    const rect = layer.triangleRect[(corner / 3) | 0];
    let copy = newest[point];
    let steps = 0;
    for (; copy >= 0 && rects[copy] !== rect && steps < MOST_STEPS; steps++) copy = older[copy];
    if (copy >= 0 && rects[copy] !== rect) copy = far.get(point * rectCount + rect) ?? -1;
    if (copy < 0) {
      if (steps === MOST_STEPS) remember(far, point * rectCount, newest[point], older, rects);
      copy = rects.length;
      older.push(newest[point]);
      rects.push(rect);
      newest[point] = copy;
      addCopy(mesh, layer, number, point, rect);
    }
    mesh.triangles[at + corner] = first + copy;
  }
}

/** Puts copies of a point into the table, from the newest back to one that is in it. */
function remember(far: Map<number, number>, key: number, newest: number, older: number[], rects: number[]): void {
  for (let copy = newest; copy >= 0 && !far.has(key + rects[copy]); copy = older[copy])
    far.set(key + rects[copy], copy);
}

function addCopy(mesh: VertexMesh, layer: LayerGeometry, number: number, point: number, rect: number): void {
  const x = layer.points[2 * point];
  const y = layer.points[2 * point + 1];
  const r = 6 * rect;
  const i = 2 * mesh.count++;
  const grid = grown(mesh.grid, i + 2);
  const texels = grown(mesh.texels, i + 2);
  const source = grown(mesh.source, i + 2);
  const parents = grown(mesh.parents, i + 2);
  grid[i] = x;
  grid[i + 1] = y;
  texels[i] = x - layer.rects[r] + layer.rects[r + 4];
  texels[i + 1] = y - layer.rects[r + 1] + layer.rects[r + 5];
  source[i] = number;
  source[i + 1] = point;
  parents[i] = parents[i + 1] = -1;
}
