/** What bounds a layer, so that one that cannot be seen need not be drawn. */

/**
 * All vertices of a layer lie in the cone of half angle `angle` (radians) around `axis` (unit, show frame), and at
 * disparities from `low` to `high` (1/metre along the ray), in every frame of the chunk.
 */
export interface LayerBound {
  readonly axis: readonly [number, number, number];
  readonly angle: number;
  readonly low: number;
  readonly high: number;
}

/** A plane of a view's frustum: a point p is inside where normal . p + offset >= 0; normal is unit. */
export interface Plane {
  readonly normal: readonly [number, number, number];
  readonly offset: number;
}

/**
 * Of the vertices that `indices` name, at `directions` / disparity.
 *
 * `lows` and `highs` are the disparities' extremes over the chunk's frames, per vertex.
 */
export function layerBound(
  directions: Float32Array,
  indices: Uint32Array,
  lows: Float32Array,
  highs: Float32Array,
): LayerBound {
  const axis = meanDirection(directions, indices);
  let low = Infinity;
  let high = 0;
  let cosine = 1;
  for (const v of indices) {
    const [x, y, z] = [directions[3 * v], directions[3 * v + 1], directions[3 * v + 2]];
    // On a plane directions are no unit vectors; along the ray, disparity is smaller by their length.
    const length = Math.sqrt(x * x + y * y + z * z);
    low = Math.min(low, lows[v] / length);
    high = Math.max(high, highs[v] / length);
    cosine = Math.min(cosine, (axis[0] * x + axis[1] * y + axis[2] * z) / length);
  }
  return { axis, angle: Math.acos(Math.max(-1, cosine)), low: indices.length ? low : 0, high };
}

function meanDirection(directions: Float32Array, indices: Uint32Array): [number, number, number] {
  let [sx, sy, sz] = [0, 0, 0];
  for (const v of indices) {
    const [x, y, z] = [directions[3 * v], directions[3 * v + 1], directions[3 * v + 2]];
    const length = Math.sqrt(x * x + y * y + z * z);
    sx += x / length;
    sy += y / length;
    sz += z / length;
  }
  const length = Math.hypot(sx, sy, sz);
  return length > 0 ? [sx / length, sy / length, sz / length] : [0, 0, -1];
}

/** Whether a layer may be seen through a frustum: false only where all of it lies outside of one of the planes. */
export function mayBeSeen(bound: LayerBound, planes: readonly Plane[]): boolean {
  return planes.every(({ normal, offset }) => {
    // A point is ray / disparity, so normal . ray + disparity * offset has the sign of its distance to the plane.
    const cosine = normal[0] * bound.axis[0] + normal[1] * bound.axis[1] + normal[2] * bound.axis[2];
    const between = Math.max(0, Math.acos(Math.max(-1, Math.min(1, cosine))) - bound.angle);
    return Math.cos(between) + Math.max(bound.low * offset, bound.high * offset) >= 0;
  });
}

/**
 * The four side planes of a view's frustum in the show's frame (the near and far planes cut off next to nothing).
 *
 * Args: `projection` and `view` (show to eye), 4x4 column major, as WebGL and WebXR have them.
 */
export function sidePlanes(projection: ArrayLike<number>, view: ArrayLike<number>): Plane[] {
  const m = (row: number, column: number): number => {
    let sum = 0;
    for (let k = 0; k < 4; k++) sum += projection[4 * k + row] * view[4 * column + k];
    return sum;
  };
  const planes: Plane[] = [];
  for (const row of [0, 1]) {
    for (const sign of [1, -1]) {
      const [a, b, c, d] = [0, 1, 2, 3].map((column) => m(3, column) + sign * m(row, column)) as [
        number,
        number,
        number,
        number,
      ];
      const length = Math.hypot(a, b, c);
      planes.push({ normal: [a / length, b / length, c / length], offset: d / length });
    }
  }
  return planes;
}
