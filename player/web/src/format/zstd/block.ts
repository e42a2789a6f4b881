/** Compressed blocks: literals, and sequences that say what to copy where. RFC 8878, section 3.1.1.3. */

import { FormatError } from "../errors.ts";
import { type FseTable, constantTable, fseTable, readFseTable } from "./fse.ts";
import { type HuffmanTable, decodeHuffman, readHuffmanTable } from "./huffman.ts";
import { ReversedBits } from "./reversed.ts";

export const MAX_BLOCK_BYTES = 1 << 17;

/** One of the three codes of sequences. */
interface Code {
  readonly log: number;
  readonly symbol: number;
  readonly usual: FseTable;
}

// Bits behind each code word of a length, and the least length of each.
const LITERAL_BITS = [...Array<number>(16).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const MATCH_BITS = [...Array<number>(32).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const LITERAL_LEAST = leasts(LITERAL_BITS, 0);
const MATCH_LEAST = leasts(MATCH_BITS, 3);
const MOST_OFFSET_BITS = 24; // beyond any window

const ones = (count: number): number[] => Array<number>(count).fill(1);
const twos = (count: number): number[] => Array<number>(count).fill(2);
const LITERALS: Code = {
  log: 9,
  symbol: 35,
  usual: fseTable([4, 3, ...twos(11), 1, 1, 1, ...twos(9), 3, 2, ...ones(5), -1, -1, -1, -1], 6),
};
const OFFSETS: Code = {
  log: 8,
  symbol: 31,
  usual: fseTable([...ones(6), 2, 2, 2, ...ones(15), -1, -1, -1, -1, -1], 5),
};
const MATCHES: Code = {
  log: 9,
  symbol: 52,
  usual: fseTable([1, 4, 3, ...twos(6), ...ones(37), -1, -1, -1, -1, -1, -1, -1], 6),
};

/** Decodes the blocks of one frame, in order, into `out`. */
export class BlockDecoder {
  /** Bytes that are there. */
  written = 0;
  private huffman: HuffmanTable | null = null;
  private literals: FseTable | null = null;
  private offsets: FseTable | null = null;
  private matches: FseTable | null = null;
  private recent: [number, number, number] = [1, 4, 8];
  private readonly scratch = new Uint8Array(MAX_BLOCK_BYTES);

  /** @param data the frame, with at least 4 bytes behind it. */
  constructor(
    private readonly data: Uint8Array,
    private readonly out: Uint8Array,
  ) {}

  /** The compressed block in bytes [at, end), which gives at most `most` bytes. Throws FormatError. */
  decode(at: number, end: number, most: number): void {
    const { literals, next } = this.readLiterals(at, end, most);
    const limit = Math.min(this.written + most, this.out.length);
    const used = this.decodeSequences(next, end, literals, limit);
    const rest = literals.subarray(used);
    if (rest.length > limit - this.written) throw new FormatError("a block is too large");
    this.out.set(rest, this.written);
    this.written += rest.length;
  }

  private readLiterals(at: number, end: number, most: number): { literals: Uint8Array; next: number } {
    const { data } = this;
    if (at >= end) throw new FormatError("a block is empty");
    const [kind, form] = [data[at] & 3, (data[at] >> 2) & 3];
    // Five bytes are there to read, though not all belong to the block.
    const head =
      data[at] + data[at + 1] * 2 ** 8 + data[at + 2] * 2 ** 16 + data[at + 3] * 2 ** 24 + data[at + 4] * 2 ** 32;
    if (kind < 2) {
      const headBytes = [1, 2, 1, 3][form];
      const size = form & 1 ? (head % 2 ** (8 * headBytes)) >> 4 : data[at] >> 3;
      const start = at + headBytes;
      const next = start + (kind === 0 ? size : 1);
      if (size > most || next > end) throw new FormatError("literals are larger than their block");
      if (kind === 0) return { literals: data.subarray(start, next), next };
      return { literals: this.scratch.subarray(0, size).fill(data[start]), next };
    }
    const sizeBits = [10, 10, 14, 18][form];
    const size = Math.floor(head / 16) % 2 ** sizeBits;
    const packed = Math.floor(head / 2 ** (4 + sizeBits)) % 2 ** sizeBits;
    const start = at + [3, 3, 4, 5][form];
    const next = start + packed;
    if (size > most || next > end) throw new FormatError("literals are larger than their block");
    const literals = this.scratch.subarray(0, size);
    this.decodeLiterals(literals, { start, end: next }, { coded: kind === 2, streams: form === 0 ? 1 : 4 });
    return { literals, next };
  }

  private decodeLiterals(
    out: Uint8Array,
    { start, end }: { start: number; end: number },
    { coded, streams }: { coded: boolean; streams: number },
  ): void {
    const { data } = this;
    if (coded) ({ table: this.huffman, end: start } = readHuffmanTable(data, start, end));
    if (this.huffman === null) throw new FormatError("literals use a code that was never given");
    if (streams === 1) {
      decodeHuffman(this.huffman, data, { start, end }, out);
      return;
    }
    const each = (out.length + 3) >> 2;
    if (start + 6 > end || 3 * each > out.length) throw new FormatError("literals are too few for four streams");
    let from = start + 6;
    for (let i = 0; i < 4; i++) {
      const to = i < 3 ? from + (data[start + 2 * i] | (data[start + 2 * i + 1] << 8)) : end;
      if (to > end) throw new FormatError("a stream of literals leaves its block");
      decodeHuffman(
        this.huffman,
        data,
        { start: from, end: to },
        out.subarray(i * each, i < 3 ? (i + 1) * each : undefined),
      );
      from = to;
    }
  }

  /** Writes the sequences of bytes [at, end), up to byte `limit` of the content -> how many literals they used. */
  private decodeSequences(at: number, end: number, literals: Uint8Array, limit: number): number {
    const { data } = this;
    if (at >= end) throw new FormatError("a block ends before its sequences");
    let count = data[at++];
    if (count === 255) {
      count = (data[at] | (data[at + 1] << 8)) + 0x7f00;
      at += 2;
    } else if (count > 127) count = ((count - 128) << 8) | data[at++];
    if (!count) {
      if (at !== end) throw new FormatError("a block has bytes behind its end");
      return 0;
    }
    const modes = data[at++];
    if (modes & 3 || at > end) throw new FormatError("a block's sequences use unknown codes");
    ({ table: this.literals, next: at } = this.readCode(LITERALS, modes >> 6, this.literals, at, end));
    ({ table: this.offsets, next: at } = this.readCode(OFFSETS, (modes >> 4) & 3, this.offsets, at, end));
    ({ table: this.matches, next: at } = this.readCode(MATCHES, (modes >> 2) & 3, this.matches, at, end));
    return this.runSequences(count, new ReversedBits(data, at, end), literals, limit);
  }

  private readCode(
    code: Code,
    mode: number,
    before: FseTable | null,
    at: number,
    end: number,
  ): { table: FseTable; next: number } {
    switch (mode) {
      case 0:
        return { table: code.usual, next: at };
      case 1:
        if (at >= end || this.data[at] > code.symbol) throw new FormatError("a code has one word that is none");
        return { table: constantTable(this.data[at]), next: at + 1 };
      case 2: {
        const { table, end: next } = readFseTable(this.data, { at, end }, code);
        return { table, next };
      }
      default:
        if (before === null) throw new FormatError("sequences use a code that was never given");
        return { table: before, next: at };
    }
  }

  private runSequences(count: number, stream: ReversedBits, literals: Uint8Array, limit: number): number {
    const { out } = this;
    const [ll, of, ml] = [this.literals!, this.offsets!, this.matches!];
    let written = this.written;
    let used = 0;
    let literalState = stream.read(ll.log);
    let offsetState = stream.read(of.log);
    let matchState = stream.read(ml.log);
    for (let i = 0; i < count; i++) {
      const offsetBits = of.symbols[offsetState];
      if (offsetBits > MOST_OFFSET_BITS) throw new FormatError("a sequence reaches too far back");
      const offsetValue = (1 << offsetBits) + stream.read(offsetBits);
      const matchCode = ml.symbols[matchState];
      const match = MATCH_LEAST[matchCode] + stream.read(MATCH_BITS[matchCode]);
      const literalCode = ll.symbols[literalState];
      const plain = LITERAL_LEAST[literalCode] + stream.read(LITERAL_BITS[literalCode]);
      if (i + 1 < count) {
        literalState = ll.base[literalState] + stream.read(ll.bits[literalState]);
        matchState = ml.base[matchState] + stream.read(ml.bits[matchState]);
        offsetState = of.base[offsetState] + stream.read(of.bits[offsetState]);
      }
      const offset = this.offsetOf(offsetValue, plain === 0);
      const start = written + plain - offset;
      if (
        stream.left < 0 ||
        plain > literals.length - used ||
        plain + match > limit - written ||
        start < 0 ||
        !offset
      ) {
        throw new FormatError("a sequence leaves its block");
      }
      for (let end = written + plain; written < end;) out[written++] = literals[used++];
      copy(out, start, written, match);
      written += match;
    }
    if (stream.left) throw new FormatError("a stream of sequences has another length");
    this.written = written;
    return used;
  }

  /** RFC 8878, section 3.1.1.5: small values mean one of the offsets before. */
  private offsetOf(value: number, noLiterals: boolean): number {
    const [first, second, third] = this.recent;
    if (value > 3) {
      this.recent = [value - 3, first, second];
      return value - 3;
    }
    const place = noLiterals ? value + 1 : value;
    if (place === 1) return first;
    const offset = place === 2 ? second : place === 3 ? third : first - 1;
    this.recent = [offset, first, place === 2 ? third : second];
    return offset;
  }
}

/** `count` bytes from `start` to `at`, one by one where they repeat themselves. */
function copy(out: Uint8Array, start: number, at: number, count: number): void {
  if (count > 32 && at - start >= count) {
    out.copyWithin(at, start, start + count);
    return;
  }
  for (let i = 0; i < count; i++) out[at + i] = out[start + i];
}

function leasts(bits: readonly number[], first: number): number[] {
  let least = first;
  return bits.map((count) => {
    const its = least;
    least += 1 << count;
    return its;
  });
}
