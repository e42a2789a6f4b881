/** The comfort volume: the head box in which a show is valid. Heads are kept inside, pictures fade towards its edge. */

export type Vector = readonly [number, number, number];

/** An axis-aligned box: corners in metres, world, as in the manifest. */
export interface ComfortBox {
  readonly low: Vector;
  readonly high: Vector;
}

/** The middle of the box. */
export function middle(box: ComfortBox): Vector {
  return mapped((axis) => 0.5 * (box.low[axis] + box.high[axis]));
}

/** The longest side, metres: the measure of how fast a head moves in it. */
export function longestSide(box: ComfortBox): number {
  return Math.max(...mapped((axis) => box.high[axis] - box.low[axis]));
}

/** The nearest point of the box, metres. */
export function clamped(box: ComfortBox, position: Vector): Vector {
  return mapped((axis) => Math.min(Math.max(position[axis], box.low[axis]), box.high[axis]));
}

/**
 * How bright the picture is: 1 well inside the box, 0 well outside, smooth between.
 *
 * Distance from the middle is counted in half sizes of the box, along its worst axis: 1 is on its surface. The picture
 * is full up to `inner` and black from `outer` on. An axis along which the box has no size does not count.
 */
export function fade(box: ComfortBox, position: Vector, inner = 0.8, outer = 1.3): number {
  const centre = middle(box);
  const reach = mapped((axis) => {
    const half = 0.5 * (box.high[axis] - box.low[axis]);
    return half > 0 ? Math.abs(position[axis] - centre[axis]) / half : 0;
  });
  const x = Math.min(Math.max((outer - Math.max(...reach)) / (outer - inner), 0), 1);
  return x * x * (3 - 2 * x);
}

function mapped(value: (axis: 0 | 1 | 2) => number): Vector {
  return [value(0), value(1), value(2)];
}
