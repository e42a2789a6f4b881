/** Rigid poses, 4x4, column major. */

type Matrix = ArrayLike<number>;

/** a b. */
export function multiplied(a: Matrix, b: Matrix): Float32Array {
  const out = new Float32Array(16);
  for (let column = 0; column < 4; column++) {
    for (let row = 0; row < 4; row++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) sum += a[4 * k + row] * b[4 * column + k];
      out[4 * column + row] = sum;
    }
  }
  return out;
}

/** A pose in metres as one in other units. */
export function scaled(pose: Matrix, unitsPerMetre: number): Float32Array {
  const out = Float32Array.from(pose);
  for (const i of [12, 13, 14]) out[i] *= unitsPerMetre;
  return out;
}

/**
 * T_show_reference that puts a head, whose pose in the reference space is `head`, into `middle`, looking forward: turned
 * about the vertical alone, so that the horizon stays level.
 */
export function centre(head: Matrix, middle: readonly [number, number, number]): Float32Array {
  // The head looks along the negative third column; straight up or down, its top says where forward is.
  let [x, z] = [-head[8], -head[10]];
  if (Math.hypot(x, z) < 1e-3) [x, z] = head[9] > 0 ? [head[4], head[6]] : [-head[4], -head[6]];
  const length = Math.hypot(x, z);
  const [sine, cosine] = [x / length, -z / length];
  // Turns (sine, 0, -cosine) into (0, 0, -1).
  const turn = [cosine, 0, -sine, 0, 0, 1, 0, 0, sine, 0, cosine, 0, 0, 0, 0, 1];
  const out = Float32Array.from(turn);
  for (let row = 0; row < 3; row++) {
    out[12 + row] = middle[row] - (turn[row] * head[12] + turn[4 + row] * head[13] + turn[8 + row] * head[14]);
  }
  return out;
}
