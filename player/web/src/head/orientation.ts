/** How a phone is held: from the angles of DeviceOrientationEvent to a turn of the head since a beginning. */

import { about, columns, product, type Quaternion } from "./quaternion.ts";

/** The angles of DeviceOrientationEvent, degrees (W3C Device Orientation, section 3.1: intrinsic Z, X', Y''). */
export interface Reading {
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
}

/** How the phone was held at the beginning: the heading it faced and how far it looked up, radians. */
export interface Beginning {
  readonly heading: number;
  readonly pitch: number;
}

/**
 * The eye's orientation in a world with +y up, -z north; it looks out of the phone's back.
 *
 * The event's frame has z up, so that a quarter turn about x leads into ours; the screen's own angle (degrees) turns
 * the eye with the picture when the phone changes between portrait and landscape.
 */
export function deviceTurn(reading: Reading, screenAngle: number): Quaternion {
  return product(
    about("x", -Math.PI / 2),
    about("z", radians(reading.alpha)),
    about("x", radians(reading.beta)),
    about("y", radians(reading.gamma)),
    about("z", -radians(screenAngle)),
  );
}

/** Where a way of holding the phone starts from. The right hand's side is level in every pitch, so it tells the heading. */
export function beginning(turn: Quaternion): Beginning {
  const [, up, back] = columns(turn);
  return { heading: heading(turn), pitch: Math.atan2(-back[1], up[1]) };
}

/** The turn since the beginning: level stays level, because heading is taken off in the world, pitch in the hand. */
export function since(start: Beginning, turn: Quaternion): Quaternion {
  return product(about("y", start.heading), turn, about("x", -start.pitch));
}

/** How far a turn leads to the right of forward, radians. */
export function heading(turn: Quaternion): number {
  const [right] = columns(turn);
  return Math.atan2(right[2], right[0]);
}

function radians(degrees: number): number {
  return (degrees / 180) * Math.PI;
}
