/** Shows in memory: the golden ones, and ones whose segments are any bytes, for no end of a session looks into them. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "../src/format/crc32.ts";
import { digest } from "../src/format/digest.ts";
import { aligned } from "../src/format/header.ts";
import { type Document, type Value, pack, unpack } from "../src/format/msgpack.ts";
import { Ratio, ratio } from "../src/format/ratio.ts";
import { FORMAT_MAJOR, HEADER_BYTES, INDEX_MAGIC, SHOW_MAGIC } from "../src/format/schema.ts";
import { type ChunkEntry, ShowIndex } from "../src/format/show_index.ts";

export const GOLDEN = join(import.meta.dirname, "../../../tests/protocol/golden");
export const GOLDEN_MESSAGES = join(import.meta.dirname, "../../../tests/protocol/session/golden/messages.txt");

/** Bytes of each chunk at each rung. */
export const SMALL = [
  [5000, 300],
  [40_000, 16_385],
  [1, 16_384],
  [70_000, 20_000],
] as const;
const FRAMES = 3;
const DURATION = ratio(FRAMES * 1001, 30_000);

export function golden(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(GOLDEN, name)));
}

/** Its manifest, to be changed; `unpack` and `pack` undo each other. */
export function goldenManifest(): Document {
  const data = golden("tiny.show");
  const size = new DataView(data.buffer).getUint32(24, true);
  return unpack(data.slice(HEADER_BYTES, HEADER_BYTES + size), { items: 4096, keys: 256 }, "golden") as Document;
}

/** The bytes of an index, whatever it says. */
export function encodeIndex(index: ShowIndex): Uint8Array {
  const head = new Uint8Array(16);
  head.set(INDEX_MAGIC);
  const view = new DataView(head.buffer);
  view.setUint32(4, index.chunks.length, true);
  view.setUint16(8, index.rungCount, true);
  return joined(head, ...index.chunks.map(encodeRow));
}

export function encodeRow(chunk: ChunkEntry): Uint8Array {
  const row = new Uint8Array(32 + 28 * chunk.segments.length);
  const view = new DataView(row.buffer);
  writeRatio(view, 0, chunk.start);
  writeRatio(view, 12, chunk.duration);
  view.setUint32(24, chunk.firstFrame, true);
  view.setUint32(28, chunk.frameCount, true);
  chunk.segments.forEach(({ offset, length, digest: its }, rung) => {
    view.setBigUint64(32 + 28 * rung, BigInt(offset), true);
    view.setUint32(40 + 28 * rung, length, true);
    row.set(its, 44 + 28 * rung);
  });
  return row;
}

/** Header, manifest and index; the header as it must be, but for what `change` does to it before its CRC is made. */
export function frontOf(
  manifest: Uint8Array,
  index: Uint8Array,
  fileBytes: number,
  change: (header: DataView) => void = () => {},
): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  header.set(SHOW_MAGIC);
  const view = new DataView(header.buffer);
  view.setUint16(8, FORMAT_MAJOR, true);
  view.setUint16(10, 1, true);
  view.setBigUint64(16, BigInt(fileBytes), true);
  view.setUint32(24, manifest.length, true);
  view.setUint32(28, index.length, true);
  view.setBigUint64(32, BigInt(aligned(HEADER_BYTES + manifest.length + index.length)), true);
  header.set(digest(manifest, index), 40);
  change(view);
  view.setUint32(60, crc32(header.subarray(0, 60)), true);
  return joined(header, manifest, index);
}

/** One show; `grow` is for a live one. `prepareDigest` comes first. */
export class MemoryShow {
  front!: Uint8Array;
  index!: ShowIndex;
  private readonly segments: Uint8Array[][] = [];

  constructor(
    lengths: readonly (readonly number[])[] = SMALL,
    readonly live = false,
  ) {
    this.grow(lengths);
  }

  /** More chunks: front and index become those of a show that ends with them. */
  grow(lengths: readonly (readonly number[])[]): void {
    for (const row of lengths) this.segments.push(row.map((length) => randomBytes(length)));
    const rungs = this.segments[0].length;
    const manifest = pack(this.manifest());
    const size = HEADER_BYTES + manifest.length + 16 + this.segments.length * (32 + 28 * rungs);
    this.index = new ShowIndex(this.laidOut(aligned(size)));
    const last = this.index.newest.segments[rungs - 1];
    this.front = frontOf(manifest, encodeIndex(this.index), last.offset + last.length);
  }

  segment(chunk: number, rung: number): Uint8Array {
    return this.segments[chunk][rung];
  }

  /** The finished show as a file. */
  file(): Uint8Array {
    const last = this.index.newest.segments[this.index.rungCount - 1];
    const out = new Uint8Array(last.offset + last.length);
    out.set(this.front);
    this.index.chunks.forEach((chunk, number) =>
      chunk.segments.forEach(({ offset }, rung) => out.set(this.segments[number][rung], offset)),
    );
    return out;
  }

  private manifest(): Document {
    const document = goldenManifest();
    const count = this.segments.length;
    const [rung] = document.get("rungs") as Document[];
    document.set("frame_count", BigInt(FRAMES * count));
    const { numerator, denominator } = times(DURATION, count);
    document.set("duration", [numerator, denominator]);
    document.set(
      "rungs",
      this.segments[0].map((_, i): Value => {
        const bits = 8 * this.segments.reduce((sum, row) => sum + row[i].length, 0);
        const rate = BigInt(Math.round(bits / times(DURATION, count).toSeconds()));
        return new Map([...rung, ["name", `rung${i}`], ["bits_per_second", rate]]);
      }),
    );
    return document;
  }

  private laidOut(offset: number): ChunkEntry[] {
    return this.segments.map((row, number) => ({
      start: times(DURATION, number),
      duration: DURATION,
      end: times(DURATION, number + 1),
      firstFrame: FRAMES * number,
      frameCount: FRAMES,
      segments: row.map((data) => {
        const entry = { offset, length: data.length, digest: digest(data) };
        offset = aligned(offset + data.length);
        return entry;
      }),
    }));
  }
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A generator of numbers in [0, 1), the same ones each time. */
export function random(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

let state = 1;

/** Other bytes each time, the same ones in each run. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[i] = state >>> 24;
  }
  return out;
}

function times(value: Ratio, count: number): Ratio {
  return ratio(value.numerator * BigInt(count), value.denominator);
}

function writeRatio(view: DataView, at: number, { numerator, denominator }: Ratio): void {
  view.setBigInt64(at, numerator, true);
  view.setUint32(at + 8, Number(denominator), true);
}
