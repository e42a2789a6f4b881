/** What a picture is drawn for. */

/** A part of the render target, pixels, y up as WebGL has it. */
export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One eye's view. Matrices are 4x4, column major; `view` maps the show's frame to the eye's, which looks along -z. */
export interface Eye {
  readonly projection: ArrayLike<number>;
  readonly view: ArrayLike<number>;
  readonly viewport: Viewport;
}

/** How a finished picture looks: sRGB 0..1 behind the layers, all dimmed by `fade`. */
export interface Finish {
  readonly background: readonly [number, number, number];
  readonly fade: number;
}

/** A symmetric view with a horizontal field of view of `fov` radians; nothing is cut off far away. */
export function flatProjection(fov: number, width: number, height: number): Float32Array {
  const x = 1 / Math.tan(0.5 * fov);
  const near = 0.01;
  return new Float32Array([x, 0, 0, 0, 0, (x * width) / height, 0, 0, 0, 0, -1, -1, 0, 0, -2 * near, 0]);
}

/** The inverse of a rigid 4x4 pose, column major. */
export function inverseRigid(pose: ArrayLike<number>): Float32Array {
  const out = new Float32Array(16);
  for (let row = 0; row < 3; row++) {
    let moved = 0;
    for (let column = 0; column < 3; column++) {
      out[4 * column + row] = pose[4 * row + column];
      moved += pose[4 * row + column] * pose[12 + column];
    }
    out[12 + row] = -moved;
  }
  out[15] = 1;
  return out;
}
