/** Which rungs a headset draws in time. SPEC section 4.5. */

import type { Manifest, Rung } from "../format/manifest.ts";
import { HEADSET } from "../format/schema.ts";

/** Whether the rung's cost is known and within the headset budget. */
export function fitsHeadset({ cost }: Rung): boolean {
  return (
    cost !== null &&
    cost.coverageMean <= HEADSET.coverageMean &&
    cost.coverageP99 <= HEADSET.coverageP99 &&
    cost.triangles <= HEADSET.triangles &&
    cost.draws <= HEADSET.draws
  );
}

/**
 * The rungs among `usable` for a headset: those that fit; where none does, the one that blends least, or the one with
 * the smallest picture where no cost is known.
 */
export function headsetRungs(manifest: Manifest, usable: readonly number[]): number[] {
  const fitting = usable.filter((i) => fitsHeadset(manifest.rungs[i]));
  if (fitting.length || !usable.length) return fitting;
  const known = usable.filter((i) => manifest.rungs[i].cost !== null);
  const burden = (i: number): number => {
    const { cost, width, height } = manifest.rungs[i];
    return known.length ? cost!.coverageMean : width * height;
  };
  return [(known.length ? known : usable).reduce((least, i) => (burden(i) < burden(least) ? i : least))];
}
