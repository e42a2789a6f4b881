/** Huffman codes of literals. RFC 8878, section 4.2. */

import { FormatError } from "../errors.ts";
import { readFseTable } from "./fse.ts";
import { ReversedBits, bitsIn } from "./reversed.ts";

const MOST_BITS = 11;
const MOST_WEIGHTS = 255; // the last one follows from the others
const WEIGHT_CODE = { log: 6, symbol: MOST_BITS };

/** By the next `log` bits of a stream: the symbol, and how many of them are its own. */
export interface HuffmanTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
}

/** The table that `data` describes from byte `at` on, before `end`, and where the description ends. Throws FormatError. */
export function readHuffmanTable(data: Uint8Array, at: number, end: number): { table: HuffmanTable; end: number } {
  if (at >= end) throw new FormatError("it ends before a code");
  const head = data[at];
  const size = head < 128 ? head : (head - 126) >> 1;
  const stop = at + 1 + size;
  if (stop > end) throw new FormatError("it ends inside a code");
  const weights = head < 128 ? codedWeights(data, at + 1, stop) : plainWeights(data, at + 1, head - 127);
  return { table: huffmanTable(weights), end: stop };
}

/** Four bits each, the higher ones first. */
function plainWeights(data: Uint8Array, at: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (i & 1 ? data[at + (i >> 1)] & 15 : data[at + (i >> 1)] >> 4));
}

/** By a code of their own, two states in turn. */
function codedWeights(data: Uint8Array, at: number, end: number): number[] {
  const { table, end: start } = readFseTable(data, { at, end }, WEIGHT_CODE);
  const stream = new ReversedBits(data, start, end);
  const weights: number[] = [];
  let [turn, other] = [stream.read(table.log), stream.read(table.log)];
  while (weights.length <= MOST_WEIGHTS) {
    weights.push(table.symbols[turn]);
    const next = table.base[turn] + stream.read(table.bits[turn]);
    if (stream.left < 0) break;
    [turn, other] = [other, next];
  }
  if (stream.left < 0) weights.push(table.symbols[other]);
  return weights;
}

function huffmanTable(weights: number[]): HuffmanTable {
  if (weights.length > MOST_WEIGHTS || weights.some((weight) => weight > MOST_BITS)) {
    throw new FormatError("a code has too many or too long words");
  }
  const share = (weight: number) => (weight ? 1 << (weight - 1) : 0);
  const sum = weights.reduce((total, weight) => total + share(weight), 0);
  const log = 32 - Math.clz32(sum);
  const rest = (1 << log) - sum;
  if (!sum || log > MOST_BITS || rest & (rest - 1)) throw new FormatError("a code is not complete");
  const all = [...weights, 32 - Math.clz32(rest)];
  const symbols = new Uint8Array(1 << log);
  const bits = new Uint8Array(1 << log);
  let at = 0;
  for (let weight = 1; weight <= log; weight++) {
    all.forEach((its, symbol) => {
      if (its !== weight) return;
      symbols.fill(symbol, at, at + share(weight));
      bits.fill(log + 1 - weight, at, at + share(weight));
      at += share(weight);
    });
  }
  return { log, symbols, bits };
}

/** Fills `out` from the stream in bytes [start, end), behind which two more may be read. Throws FormatError. */
export function decodeHuffman(
  table: HuffmanTable,
  data: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  out: Uint8Array,
): void {
  const { log, symbols, bits } = table;
  const mask = (1 << log) - 1;
  let left = bitsIn(data, start, end);
  for (let i = 0; i < out.length; i++) {
    const from = left - log;
    let index: number;
    if (from >= 0) {
      const byte = start + (from >> 3);
      index = ((data[byte] | (data[byte + 1] << 8) | (data[byte + 2] << 16)) >> (from & 7)) & mask;
    } else {
      // Below the first bit are zeros.
      index = left > 0 ? ((data[start] | (data[start + 1] << 8)) & ((1 << left) - 1)) << -from : 0;
    }
    out[i] = symbols[index];
    left -= bits[index];
  }
  if (left) throw new FormatError("a stream of literals has another length");
}
