/** A ratio as it stands in the file: i64 numerator, u32 denominator (SPEC 1.1). */

import { FormatError } from "./errors.ts";
import { Ratio, commonDivisor } from "./ratio.ts";
import { MAX_DURATION_S } from "./schema.ts";

export const RATIO_BYTES = 12;

/** The ratio at byte `at`. Throws FormatError unless it is in lowest terms and in range. */
export function readRatio(view: DataView, at: number, name: string): Ratio {
  const numerator = view.getBigInt64(at, true);
  const denominator = BigInt(view.getUint32(at + 8, true));
  if (!denominator) throw new FormatError(`${name} has denominator 0`);
  const magnitude = numerator < 0n ? -numerator : numerator;
  const inRange = magnitude <= BigInt(MAX_DURATION_S) * denominator && magnitude < 1n << 62n;
  if (!inRange || commonDivisor(magnitude, denominator) !== 1n) {
    throw new FormatError(`${name} is not in lowest terms or out of range`);
  }
  return new Ratio(numerator, denominator);
}

/** A view of the same bytes. */
export function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}
