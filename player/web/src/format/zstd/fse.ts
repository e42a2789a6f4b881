/** Finite state entropy: tables of what each state of a decoder means. RFC 8878, section 4.1. */

import { FormatError } from "../errors.ts";

/** States 0 to 2^log - 1: the symbol of each, and the state that follows: base plus so many bits of the stream. */
export interface FseTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly base: Uint16Array;
}

/** Always one symbol, which takes no bits. */
export function constantTable(symbol: number): FseTable {
  return { log: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), base: new Uint16Array(1) };
}

/** @param counts how many of the 2^log states each symbol has; -1 is one state that takes all bits. */
export function fseTable(counts: readonly number[], log: number): FseTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  const next = counts.map(Math.abs);
  let high = size;
  counts.forEach((count, symbol) => {
    if (count < 0) symbols[--high] = symbol;
  });
  const step = (size >> 1) + (size >> 3) + 3;
  let position = 0;
  counts.forEach((count, symbol) => {
    for (let i = 0; i < count; i++) {
      symbols[position] = symbol;
      do position = (position + step) & (size - 1);
      while (position >= high);
    }
  });
  const bits = new Uint8Array(size);
  const base = new Uint16Array(size);
  for (let state = 0; state < size; state++) {
    const count = next[symbols[state]]++;
    bits[state] = log - (31 - Math.clz32(count));
    base[state] = (count << bits[state]) - size;
  }
  return { log, symbols, bits, base };
}

/**
 * The table that `data` describes from byte `at` on, before `end`, and where the description ends.
 *
 * Throws FormatError.
 */
export function readFseTable(
  data: Uint8Array,
  range: { readonly at: number; readonly end: number },
  most: { readonly log: number; readonly symbol: number },
): { table: FseTable; end: number } {
  let position = 8 * range.at + 4;
  /** So many bits (up to 16) at the position, lowest first; behind the end are zeros. */
  const peek = (count: number): number => {
    const byte = position >> 3;
    let value = 0;
    for (let i = 2; i >= 0; i--) value = (value << 8) | (byte + i < range.end ? data[byte + i] : 0);
    return (value >> (position & 7)) & ((1 << count) - 1);
  };
  const log = (range.at < range.end ? data[range.at] & 15 : 0) + 5;
  if (log > most.log) throw new FormatError("its code is finer than allowed");
  const counts: number[] = [];
  let left = 1 << log;
  while (left > 0 && counts.length <= most.symbol) {
    const bits = 31 - Math.clz32(left + 1);
    // Values below this take one bit less.
    const short = (2 << bits) - 2 - left;
    let value = peek(bits);
    position += bits;
    if (value >= short) {
      position -= bits;
      value = peek(bits + 1);
      position += bits + 1;
      if (value >= 1 << bits) value -= short;
    }
    const count = value - 1;
    counts.push(count);
    left -= Math.abs(count);
    if (count) continue;
    let repeat: number;
    do {
      repeat = peek(2);
      position += 2;
      for (let i = 0; i < repeat; i++) counts.push(0);
    } while (repeat === 3);
  }
  const end = (position + 7) >> 3;
  if (left || counts.length > most.symbol + 1 || end > range.end) throw new FormatError("its code makes no sense");
  return { table: fseTable(counts, log), end };
}
