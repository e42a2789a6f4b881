/** A head moved by mouse, fingers and keys inside the comfort volume. Pure logic: the input feeds it. */

import { clamped, longestSide, middle, type ComfortBox, type Vector } from "./comfort.ts";
import { about, columns, product, UNTURNED, type Quaternion } from "./quaternion.ts";

const STEEPEST = (89 / 180) * Math.PI;

/** Which way a held key moves the head: +x right, +y up, -z forward. */
export const KEYS: Readonly<Record<string, Vector>> = {
  w: [0, 0, -1],
  x: [0, 0, 1],
  a: [-1, 0, 0],
  d: [1, 0, 0],
  e: [0, 1, 0],
  c: [0, -1, 0],
};

/** A head that looks `yaw` to the right of forward and `pitch` up, radians; position in metres, world. */
export interface FlyHead {
  readonly position: Vector;
  readonly yaw: number;
  readonly pitch: number;
}

/** A head in the middle of the box that looks forward. */
export function centred(box: ComfortBox): FlyHead {
  return { position: middle(box), yaw: 0, pitch: 0 };
}

/** Turn by angles in radians; looking straight up and down is the limit. */
export function turned(head: FlyHead, turn: { right: number; up: number }): FlyHead {
  const yaw = head.yaw + turn.right;
  return {
    position: head.position,
    yaw: yaw - 2 * Math.PI * Math.round(yaw / (2 * Math.PI)),
    pitch: Math.min(Math.max(head.pitch + turn.up, -STEEPEST), STEEPEST),
  };
}

/**
 * Move while `keys` are held: the box's longest half side takes a second. Forward follows the yaw alone.
 * `heading` is what a sensor adds to the yaw.
 */
export function moved(
  head: FlyHead,
  box: ComfortBox,
  keys: Iterable<string>,
  seconds: number,
  heading: number,
): FlyHead {
  const step = [0, 0, 0];
  for (const key of keys) KEYS[key]?.forEach((value, axis) => (step[axis] += value));
  const length = Math.hypot(...step);
  if (length === 0) return head;
  const metres = (0.5 * longestSide(box) * seconds) / length;
  const way = { right: step[0] * metres, up: step[1] * metres, forward: -step[2] * metres };
  return shifted(head, box, way, heading);
}

/** Move by metres along the head's own right, the world's up and the yaw's forward; stays inside the box. */
export function shifted(
  head: FlyHead,
  box: ComfortBox,
  way: { right: number; up: number; forward: number },
  heading: number,
): FlyHead {
  // A head that was set outside the box stays there until it is moved.
  if (way.right === 0 && way.up === 0 && way.forward === 0) return head;
  const sine = Math.sin(head.yaw + heading);
  const cosine = Math.cos(head.yaw + heading);
  const [x, y, z] = head.position;
  const position = clamped(box, [
    x + cosine * way.right + sine * way.forward,
    y + way.up,
    z + sine * way.right - cosine * way.forward,
  ]);
  return { ...head, position };
}

/** T_world_head, 4x4, column by column. `sensor` is how a phone was turned since its beginning. */
export function headPose(head: FlyHead, sensor: Quaternion = UNTURNED): Float32Array {
  const turn = product(about("y", -head.yaw), sensor, about("x", head.pitch));
  const [right, up, back] = columns(turn);
  return Float32Array.of(...right, 0, ...up, 0, ...back, 0, ...head.position, 1);
}
