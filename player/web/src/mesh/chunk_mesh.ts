/** The mesh of one chunk: what the GPU keeps for all of its frames, and what moves from frame to frame. */

import type { Geometry } from "../format/geometry.ts";
import type { Projection } from "../format/projection.ts";
import { type LayerBound, layerBound } from "./bounds.ts";
import { type VertexMesh, vertexDirections, vertexMesh } from "./draw_mesh.ts";
import { refine } from "./refine.ts";

/** A layer's part of the index buffer. */
export interface LayerRange {
  readonly first: number;
  readonly count: number;
  readonly bound: LayerBound;
}

/**
 * Constant within a chunk. Vertices that move stand behind those that do not, so that a frame changes one range.
 */
export interface DrawMesh {
  /** (3V) float32, show frame: a vertex lies at direction / disparity. */
  readonly directions: Float32Array;
  /** (2V) float32, texels of the colour region at texture scale 1. */
  readonly texels: Float32Array;
  /** (V) float32, 1/metre, of frame 0. */
  readonly disparities: Float32Array;
  /** (3M) uint32, drawing order: far to near. */
  readonly indices: Uint32Array;
  /** Layers that have triangles, far to near. */
  readonly layers: readonly LayerRange[];
  /** Vertices from this one on move. */
  readonly firstMoving: number;
}

/** The disparities of the moving vertices, frame by frame. */
export interface MovingVertices {
  readonly count: number;
  /** (count) float32 of a frame; the result is new memory. */
  at(frame: number): Float32Array;
}

export interface ChunkMesh {
  readonly mesh: DrawMesh;
  readonly moving: MovingVertices;
}

/** Make a chunk's geometry ready to draw. On a sphere, long triangles are split to follow it. */
export function chunkMesh(geometry: Geometry, projection: Projection): ChunkMesh {
  const made = vertexMesh(geometry);
  if (projection.kind === "sphere") refine(made);
  const order = movingLast(made, geometry);
  const directions = reordered(vertexDirections(made, projection), order.place, 3);
  const indices = made.triangles.map((vertex) => order.place[vertex]);
  const tracks = vertexTracks(made, geometry, order);
  const lows = tracks.frame(0);
  const highs = lows.slice();
  const still = lows.slice();
  for (let frame = 1; frame < geometry.frameCount && order.firstMoving < made.count; frame++) {
    const now = tracks.frame(frame);
    for (let v = order.firstMoving; v < made.count; v++) {
      if (now[v] < lows[v]) lows[v] = now[v];
      if (now[v] > highs[v]) highs[v] = now[v];
    }
  }
  return {
    mesh: {
      directions,
      texels: reordered(made.texels.array.subarray(0, 2 * made.count), order.place, 2),
      disparities: still,
      indices,
      layers: layerRanges(made, directions, indices, lows, highs),
      firstMoving: order.firstMoving,
    },
    moving: {
      count: made.count - order.firstMoving,
      at: (frame) => tracks.frame(frame).slice(order.firstMoving),
    },
  };
}

interface Order {
  /** (V) from the order of creation to the order in which vertices are drawn. */
  readonly place: Uint32Array;
  readonly firstMoving: number;
}

/** Both halves keep the order of creation: a middle stands behind its parents, or they do not move. */
function movingLast(made: VertexMesh, geometry: Geometry): Order {
  const pointMoves = geometry.layers.map((layer) => {
    const moves = new Uint8Array(layer.points.length / 2);
    for (const point of layer.moving) moves[point] = 1;
    return moves;
  });
  const [source, parents] = [made.source.array, made.parents.array];
  const moves = new Uint8Array(made.count);
  let moving = 0;
  for (let v = 0; v < made.count; v++) {
    const layer = source[2 * v];
    moves[v] = layer >= 0 ? pointMoves[layer][source[2 * v + 1]] : moves[parents[2 * v]] | moves[parents[2 * v + 1]];
    moving += moves[v];
  }
  const place = new Uint32Array(made.count);
  const firstMoving = made.count - moving;
  let [nextStill, nextMoving] = [0, firstMoving];
  for (let v = 0; v < made.count; v++) place[v] = moves[v] ? nextMoving++ : nextStill++;
  return { place, firstMoving };
}

function reordered(values: Float32Array, place: Uint32Array, size: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let v = 0; v < place.length; v++) {
    for (let i = 0; i < size; i++) out[size * place[v] + i] = values[size * v + i];
  }
  return out;
}

/** The disparities of all vertices in drawing order; `frame` gives the same memory again and again. */
function vertexTracks(made: VertexMesh, geometry: Geometry, order: Order): { frame(frame: number): Float32Array } {
  const all = new Float32Array(made.count);
  const [source, parents] = [made.source.array, made.parents.array];
  const slots = geometry.layers.map((layer) => {
    const slot = new Int32Array(layer.points.length / 2).fill(-1);
    layer.moving.forEach((point, i) => (slot[point] = i));
    return slot;
  });
  const scales = geometry.layers.map((layer) => (layer.high - layer.low) / 65535);
  const set = (v: number, frame: number): void => {
    const number = source[2 * v];
    const at = order.place[v];
    if (number < 0) {
      // The sum in float64 and rounded once, as in float32: halving is exact.
      all[at] = 0.5 * (all[order.place[parents[2 * v]]] + all[order.place[parents[2 * v + 1]]]);
      return;
    }
    const layer = geometry.layers[number];
    const point = source[2 * v + 1];
    const slot = slots[number][point];
    const step = frame && slot >= 0 ? layer.steps[(frame - 1) * layer.moving.length + slot] : layer.base[point];
    all[at] = layer.low + step * scales[number];
  };
  for (let v = 0; v < made.count; v++) set(v, 0);
  const moving = Uint32Array.from({ length: made.count - order.firstMoving }, () => 0);
  for (let v = 0; v < made.count; v++) {
    if (order.place[v] >= order.firstMoving) moving[order.place[v] - order.firstMoving] = v;
  }
  return {
    frame(frame) {
      for (const v of moving) set(v, frame);
      return all;
    },
  };
}

function layerRanges(
  made: VertexMesh,
  directions: Float32Array,
  indices: Uint32Array,
  lows: Float32Array,
  highs: Float32Array,
): LayerRange[] {
  const ranges: LayerRange[] = [];
  let first = 0;
  for (const triangles of made.layerTriangles) {
    const count = 3 * triangles;
    if (count) {
      const bound = layerBound(directions, indices.subarray(first, first + count), lows, highs);
      ranges.push({ first, count, bound });
    }
    first += count;
  }
  return ranges;
}
