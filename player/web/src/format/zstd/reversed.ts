/** Bits that are read from the last one of a range of bytes to its first. RFC 8878, section 3.1.1.3.2.1. */

import { FormatError } from "../errors.ts";

/**
 * How many bits there are in bytes [start, end): the highest bit that is set marks where they begin.
 *
 * Throws FormatError where no bit marks it.
 */
export function bitsIn(data: Uint8Array, start: number, end: number): number {
  if (start >= end || !data[end - 1]) throw new FormatError("a stream of bits has no beginning");
  return 8 * (end - start) - 1 - (Math.clz32(data[end - 1]) - 24);
}

/** A stream that is read here and there; what must be fast reads the bytes itself. */
export class ReversedBits {
  /** How many are left; below 0 where more were read than there are. Those are zeros. */
  left: number;

  /** Of bytes [start, end), behind which three more may be read. Throws FormatError. */
  constructor(
    private readonly data: Uint8Array,
    private readonly start: number,
    end: number,
  ) {
    this.left = bitsIn(data, start, end);
  }

  /** The next ones, up to 25. */
  read(count: number): number {
    this.left -= count;
    if (this.left < 0) return this.left + count > 0 ? this.at(0, this.left + count) << -this.left : 0;
    return this.at(this.left, count);
  }

  private at(position: number, count: number): number {
    const { data } = this;
    const byte = this.start + (position >> 3);
    const word = data[byte] | (data[byte + 1] << 8) | (data[byte + 2] << 16) | (data[byte + 3] << 24);
    return (word >>> (position & 7)) & ((1 << count) - 1);
  }
}
