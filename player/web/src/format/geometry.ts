/** The geometry of one chunk: layered meshes with constant topology and disparities per frame. SPEC section 6. */

import { sameBytes } from "./digest.ts";
import { FormatError } from "./errors.ts";
import { corners32, running16, setBits, tracks16 } from "./packing.ts";
import { viewOf } from "./ratio_bytes.ts";
import {
  GEOMETRY_MAGIC,
  GEOMETRY_VERSION,
  MAX_DISPARITIES,
  MAX_FRAMES_PER_CHUNK,
  MAX_GEOMETRY_BYTES,
  MAX_GEOMETRY_RAW_BYTES,
  MAX_LAYERS,
  MAX_POINTS,
  MAX_RECTS,
  MAX_TRIANGLES,
  MAX_ZSTD_WINDOW_BYTES,
} from "./schema.ts";
import { decompress } from "./zstd/frame.ts";

const TABLE_START = 12;
const ROW_BYTES = 24;

/** What manifest and segment promise about a chunk's geometry; atlas sizes at texture scale 1, texels. */
export interface GeometryBounds {
  readonly layerCount: number;
  readonly frameCount: number;
  readonly gridWidth: number;
  readonly gridHeight: number;
  readonly atlasWidth: number;
  readonly atlasHeight: number;
}

/** One layer of one chunk: P points of which Q move, N rects, M triangles. A disparity is in 1/metre. */
export interface LayerGeometry {
  /** (2P) texel corners of the layer's grid: x in 0..width, y in 0..height. */
  readonly points: Uint16Array;
  /** (P) of frame 0; a disparity is low + step * (high - low) / 65535. */
  readonly base: Uint16Array;
  /** (Q) indices of the points that move; all others keep frame 0's step. */
  readonly moving: Uint32Array;
  /** ((T - 1) Q) of the moving points in frames 1 and later, frame by frame. */
  readonly steps: Uint16Array;
  readonly low: number;
  readonly high: number;
  /** (6N) x, y, width, height of a block of the grid, and atlas x, y where it lies at texture scale 1. */
  readonly rects: Uint16Array;
  /** (3M) indices of points, in drawing order. */
  readonly triangles: Uint32Array;
  /** (M) index of the rect that holds the triangle's points. */
  readonly triangleRect: Uint16Array;
}

/** All layers of one chunk, far to near. */
export interface Geometry {
  readonly frameCount: number;
  readonly layers: readonly LayerGeometry[];
}

/** One row of the layer table. */
interface Counts {
  readonly points: number;
  readonly moving: number;
  readonly triangles: number;
  readonly rects: number;
  readonly low: number;
  readonly high: number;
  /** Bytes of the seven arrays of a layer, in the order of SPEC 6.3. */
  readonly sizes: readonly number[];
}

/**
 * Bytes -> Geometry, every size checked before it is allocated and every value before it is returned.
 *
 * Throws FormatError.
 */
export function decodeGeometry(data: Uint8Array, bounds: GeometryBounds): Geometry {
  const rows = readTable(data, bounds);
  const raw = decompress(data.subarray(TABLE_START + rows.length * ROW_BYTES), {
    size: total(rows),
    maxWindow: MAX_ZSTD_WINDOW_BYTES,
    name: "geometry",
  });
  let at = 0;
  const layers = rows.map((row, number) => {
    const parts = row.sizes.map((size) => raw.subarray(at, (at += size)));
    const layer = decodeLayer(parts, row, `layer ${number}`);
    checkLayer(layer, bounds, `layer ${number}`);
    return layer;
  });
  return { frameCount: bounds.frameCount, layers };
}

/** Header and layer table, capped. */
function readTable(data: Uint8Array, bounds: GeometryBounds): Counts[] {
  if (data.length < TABLE_START || data.length > MAX_GEOMETRY_BYTES) {
    throw new FormatError(`geometry has ${data.length} bytes; ${TABLE_START} to ${MAX_GEOMETRY_BYTES} are allowed`);
  }
  const view = viewOf(data);
  if (!sameBytes(data.subarray(0, 4), GEOMETRY_MAGIC) || view.getUint16(10, true)) {
    throw new FormatError("geometry does not start with its header");
  }
  const version = view.getUint16(4, true);
  if (version !== GEOMETRY_VERSION) {
    throw new FormatError(`geometry has version ${version}; this player reads ${GEOMETRY_VERSION}`);
  }
  const [layers, frames] = [view.getUint16(6, true), view.getUint16(8, true)];
  if (!layers || layers > MAX_LAYERS || !frames || frames > MAX_FRAMES_PER_CHUNK) {
    throw new FormatError(`geometry has ${layers} layers of ${frames} frames`);
  }
  if (data.length < TABLE_START + layers * ROW_BYTES) throw new FormatError("geometry ends inside its layer table");
  if (layers !== bounds.layerCount || frames !== bounds.frameCount) {
    throw new FormatError(
      `geometry has ${layers} layers of ${frames} frames; the show says ${bounds.layerCount} of ${bounds.frameCount}`,
    );
  }
  const rows = Array.from({ length: layers }, (_, i) => readRow(view, TABLE_START + i * ROW_BYTES, frames));
  rows.forEach((row, number) => checkRow(row, frames, `layer ${number}`));
  if (frames * rows.reduce((sum, row) => sum + row.points, 0) > MAX_DISPARITIES) {
    throw new FormatError(`geometry has more than ${MAX_DISPARITIES} disparities`);
  }
  if (total(rows) > MAX_GEOMETRY_RAW_BYTES) {
    throw new FormatError(`geometry unpacks to more than ${MAX_GEOMETRY_RAW_BYTES} bytes`);
  }
  return rows;
}

function readRow(view: DataView, at: number, frames: number): Counts {
  const [points, moving] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
  const [triangles, rects] = [view.getUint32(at + 8, true), view.getUint32(at + 12, true)];
  return {
    points,
    moving,
    triangles,
    rects,
    low: view.getFloat32(at + 16, true),
    high: view.getFloat32(at + 20, true),
    sizes: [
      4 * points,
      2 * points,
      Math.ceil(points / 8),
      2 * (frames - 1) * moving,
      12 * rects,
      12 * triangles,
      2 * triangles,
    ],
  };
}

function checkRow(row: Counts, frames: number, name: string): void {
  if (row.points > MAX_POINTS || row.triangles > MAX_TRIANGLES || row.rects > MAX_RECTS) {
    throw new FormatError(`${name} has ${row.points} points, ${row.triangles} triangles, ${row.rects} rects; too many`);
  }
  if (row.moving > row.points || (frames === 1 && row.moving)) {
    throw new FormatError(`${name} has ${row.moving} moving points of ${row.points}`);
  }
  if (!(row.low >= 0 && row.low <= row.high && row.high < Infinity)) {
    throw new FormatError(`${name} has the disparity range ${row.low} to ${row.high}`);
  }
}

/** Bytes of all layers. */
function total(rows: readonly Counts[]): number {
  return rows.reduce((sum, row) => sum + row.sizes.reduce((a, b) => a + b, 0), 0);
}

function decodeLayer(parts: readonly Uint8Array[], row: Counts, name: string): LayerGeometry {
  const base = running16(parts[1], 1);
  const moving = setBits(parts[2], row.moving);
  if (moving === null || (row.moving && moving[row.moving - 1] >= row.points)) {
    throw new FormatError(`${name} marks other moving points than the ${row.moving} of its table`);
  }
  return {
    points: running16(parts[0], 2),
    base,
    moving,
    steps: tracks16(
      parts[3],
      Uint16Array.from(moving, (point) => base[point]),
    ),
    low: row.low,
    high: row.high,
    rects: running16(parts[4], 6),
    triangles: corners32(parts[5]),
    triangleRect: running16(parts[6], 1),
  };
}

/** Every index and coordinate of a layer, so that drawing it can read nothing outside (SPEC 6.4). */
function checkLayer(layer: LayerGeometry, bounds: GeometryBounds, name: string): void {
  const { gridWidth, gridHeight, atlasWidth, atlasHeight } = bounds;
  const { points, rects } = layer;
  for (let i = 0; i < points.length; i += 2) {
    if (points[i] > gridWidth || points[i + 1] > gridHeight) {
      throw new FormatError(`${name} has points outside the grid of ${gridWidth}x${gridHeight}`);
    }
  }
  for (let i = 0; i < rects.length; i += 6) {
    const [width, height] = [rects[i + 2], rects[i + 3]];
    if (!width || !height || rects[i] + width > gridWidth || rects[i + 1] + height > gridHeight) {
      throw new FormatError(`${name} has a rect that is empty or outside the grid of ${gridWidth}x${gridHeight}`);
    }
    if (rects[i + 4] + width > atlasWidth || rects[i + 5] + height > atlasHeight) {
      throw new FormatError(`${name} has a rect outside the atlas of ${atlasWidth}x${atlasHeight}`);
    }
  }
  checkTriangles(layer, name);
}

function checkTriangles({ points, rects, triangles, triangleRect }: LayerGeometry, name: string): void {
  const pointCount = points.length / 2;
  const rectCount = rects.length / 6;
  for (let t = 0; t < triangleRect.length; t++) {
    const rect = triangleRect[t];
    if (rect >= rectCount) throw new FormatError(`${name} has a triangle in rect ${rect} of ${rectCount}`);
    const left = rects[6 * rect];
    const top = rects[6 * rect + 1];
    const right = left + rects[6 * rect + 2];
    const bottom = top + rects[6 * rect + 3];
    for (let corner = 3 * t; corner < 3 * t + 3; corner++) {
      const point = triangles[corner];
      if (point >= pointCount) throw new FormatError(`${name} has a triangle with point ${point} of ${pointCount}`);
      const x = points[2 * point];
      const y = points[2 * point + 1];
      if (x < left || x > right || y < top || y > bottom) {
        throw new FormatError(`${name} has a triangle that leaves its rect`);
      }
    }
  }
}
