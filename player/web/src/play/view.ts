/** From where the show is looked at: a flat screen's head, or the headset's eyes. */

import type { Eye, Finish } from "../draw/eye.ts";
import type { Stage } from "../draw/stage.ts";
import { type ComfortBox, fade, longestSide, middle, type Vector } from "../head/comfort.ts";
import type { Headset } from "../xr/headset.ts";
import type { PlayerOptions } from "./port.ts";

const NOWHERE: ComfortBox = { low: [0, 0, 0], high: [0, 0, 0] };
const WIDEST = 2.8; // radians
const USUAL_BOX_M = 0.7;

export class View {
  box = NOWHERE;
  background: Finish["background"] = [0, 0, 0];
  /** How far a headset's metre goes in the show. */
  unitsPerMetre = 1;

  constructor(
    private readonly stage: Stage,
    private readonly headset: Headset,
    private readonly options: Pick<PlayerOptions, "fov" | "view">,
  ) {}

  /** The eyes of the picture that begins now; none where the headset does not know where it is. */
  eyes(seconds: number, frame: XRFrame | undefined): Eye[] {
    if (frame) return this.headset.eyes(frame, middle(this.box), this.unitsPerMetre);
    const { pose, fovScale } = this.options.view(seconds);
    const fov = 2 * Math.atan(Math.tan(0.5 * this.options.fov) * fovScale);
    return [this.stage.flatEye(pose, Math.min(fov, WIDEST))];
  }

  /** The picture fades towards the comfort volume's edge. */
  finish(eyes: readonly Eye[]): Finish {
    return { background: this.background, fade: fade(this.box, headOf(eyes)) };
  }
}

/**
 * Of a show whose rig's scale is not known: its head box is as large as that of a rig that is about as wide as people
 * reach, 0.7 m. Its depth is then felt as such a rig's.
 */
export function unknownScale(box: ComfortBox): number {
  return longestSide(box) / USUAL_BOX_M || 1;
}

/** The middle between the eyes, show frame. */
function headOf(eyes: readonly Eye[]): Vector {
  const sum: [number, number, number] = [0, 0, 0];
  for (const { view } of eyes) {
    for (let axis = 0; axis < 3; axis++) {
      // Of the inverse pose: -R^T t.
      for (let row = 0; row < 3; row++) sum[axis] -= view[4 * axis + row] * view[12 + row];
    }
  }
  return [sum[0] / eyes.length, sum[1] / eyes.length, sum[2] / eyes.length];
}
