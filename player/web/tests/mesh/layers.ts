/** Small geometries, written out by hand. */

import type { Geometry, LayerGeometry } from "../../src/format/geometry.ts";
import type { Projection } from "../../src/format/projection.ts";

export const PLANE: Projection = { kind: "plane", width: 64, height: 64, left: -1, top: 1, density: 32, wraps: false };
export const SPHERE: Projection = {
  kind: "sphere",
  width: 360,
  height: 180,
  left: -Math.PI,
  top: Math.PI / 2,
  density: 180 / Math.PI,
  wraps: true,
};

/** Two rects side by side whose border, at x = 8, two points share; the point at (16, 0) moves. */
export function pair(frames: readonly number[] = [65535]): LayerGeometry {
  return {
    points: Uint16Array.of(0, 0, 8, 0, 16, 0, 0, 8, 8, 8, 16, 8),
    base: Uint16Array.of(0, 0, frames[0], 0, 0, 65535),
    moving: frames.length > 1 ? Uint32Array.of(2) : new Uint32Array(0),
    steps: Uint16Array.from(frames.slice(1)),
    low: 0.5,
    high: 1,
    rects: Uint16Array.of(0, 0, 8, 8, 100, 50, 8, 0, 8, 8, 20, 30),
    triangles: Uint32Array.of(0, 1, 4, 0, 4, 3, 1, 2, 5, 1, 5, 4),
    triangleRect: Uint16Array.of(0, 0, 1, 1),
  };
}

export const EMPTY: LayerGeometry = {
  points: new Uint16Array(0),
  base: new Uint16Array(0),
  moving: new Uint32Array(0),
  steps: new Uint16Array(0),
  low: 0,
  high: 0,
  rects: new Uint16Array(0),
  triangles: new Uint32Array(0),
  triangleRect: new Uint16Array(0),
};

/** One square of `side` texels from the grid's corner, all at `disparity`. */
export function square(side: number, disparity: number): LayerGeometry {
  return {
    points: Uint16Array.of(0, 0, side, 0, 0, side, side, side),
    base: new Uint16Array(4),
    moving: new Uint32Array(0),
    steps: new Uint16Array(0),
    low: disparity,
    high: disparity,
    rects: Uint16Array.of(0, 0, side, side, 0, 0),
    triangles: Uint32Array.of(0, 1, 3, 0, 3, 2),
    triangleRect: new Uint16Array(2),
  };
}

export function geometry(layers: readonly LayerGeometry[], frameCount = 1): Geometry {
  return { frameCount, layers };
}
