/** Where every segment of a show lies, when it plays, and its checksum. SPEC section 3.2. */

import { sameBytes } from "./digest.ts";
import { FormatError } from "./errors.ts";
import { aligned } from "./header.ts";
import { Ratio, ZERO, compare, same, sum } from "./ratio.ts";
import { RATIO_BYTES, readRatio, viewOf } from "./ratio_bytes.ts";
import {
  DIGEST_BYTES,
  INDEX_MAGIC,
  MAX_CHUNKS,
  MAX_DURATION_S,
  MAX_FRAMES,
  MAX_FRAMES_PER_CHUNK,
  MAX_RUNGS,
  MAX_SEGMENT_BYTES,
  MAX_SHOW_BYTES,
  SEGMENT_ALIGNMENT,
} from "./schema.ts";

const INDEX_HEADER_BYTES = 16;
const CHUNK_BYTES = 2 * RATIO_BYTES + 8;
const SEGMENT_BYTES = 12 + DIGEST_BYTES;

/** One (chunk, rung): bytes [offset, offset + length) of the file and their digest. */
export interface SegmentEntry {
  readonly offset: number;
  readonly length: number;
  readonly digest: Uint8Array;
}

/** One chunk: seconds of the show's clock, its frames in the show, one segment per rung. */
export interface ChunkEntry {
  readonly start: Ratio;
  readonly duration: Ratio;
  readonly end: Ratio;
  readonly firstFrame: number;
  readonly frameCount: number;
  readonly segments: readonly SegmentEntry[];
}

/** All chunks in order of time; they follow each other without gaps from 0 s on. There is at least one. */
export class ShowIndex {
  constructor(readonly chunks: readonly ChunkEntry[]) {}

  get duration(): Ratio {
    return this.newest.end;
  }

  get frameCount(): number {
    return this.newest.firstFrame + this.newest.frameCount;
  }

  get rungCount(): number {
    return this.chunks[0].segments.length;
  }

  get newest(): ChunkEntry {
    return this.chunks[this.chunks.length - 1];
  }

  /**
   * The chunk that plays at `time`; times outside the show give the first or last. Seconds as a number are compared with
   * the chunks' starts as such numbers, so that a chunk's own start finds it.
   */
  chunkAt(time: Ratio | number): number {
    const begun =
      typeof time === "number"
        ? (chunk: ChunkEntry) => chunk.start.toSeconds() <= time
        : (chunk: ChunkEntry) => compare(chunk.start, time) <= 0;
    return this.last(begun);
  }

  /** The chunk that holds the show's frame; frames outside the show give the first or last. */
  chunkOfFrame(frame: number): number {
    return this.last((chunk) => chunk.firstFrame <= frame);
  }

  /** The last chunk that has begun, where all after one that has not have not either; else the first. */
  private last(begun: (chunk: ChunkEntry) => boolean): number {
    let [low, high] = [0, this.chunks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (begun(this.chunks[middle])) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** Bytes -> validated index. Digests are views of `data`. Throws FormatError. */
export function decodeIndex(data: Uint8Array): ShowIndex {
  if (data.length < INDEX_HEADER_BYTES) throw new FormatError("index is shorter than its header");
  const view = viewOf(data);
  if (!sameBytes(data.subarray(0, 4), INDEX_MAGIC) || view.getUint16(10, true) || view.getUint32(12, true)) {
    throw new FormatError("index does not start with its header");
  }
  const [chunkCount, rungCount] = [view.getUint32(4, true), view.getUint16(8, true)];
  if (!chunkCount || chunkCount > MAX_CHUNKS || !rungCount || rungCount > MAX_RUNGS) {
    throw new FormatError(`index has ${chunkCount} chunks of ${rungCount} rungs`);
  }
  const size = INDEX_HEADER_BYTES + chunkCount * rowBytes(rungCount);
  if (data.length !== size) throw new FormatError(`index has ${data.length} bytes instead of ${size}`);
  const chunks = decodeRows(data.subarray(INDEX_HEADER_BYTES), rungCount);
  checkRows(chunks, null, chunks[0].segments[0].offset, 0);
  return new ShowIndex(chunks);
}

/** The index of a live show with more rows at its end (SPEC 8.8). Throws FormatError unless they are the next ones. */
export function extended(index: ShowIndex, rows: Uint8Array): ShowIndex {
  const more = decodeRows(rows.slice(), index.rungCount);
  if (index.chunks.length + more.length > MAX_CHUNKS) {
    throw new FormatError(`the show grows beyond ${MAX_CHUNKS} chunks`);
  }
  const { segments } = index.newest;
  const last = segments[segments.length - 1];
  checkRows(more, index.newest, aligned(last.offset + last.length), index.chunks.length);
  return new ShowIndex([...index.chunks, ...more]);
}

function rowBytes(rungCount: number): number {
  return CHUNK_BYTES + rungCount * SEGMENT_BYTES;
}

/** Rows one behind the other -> chunks; laws between them are not checked here. */
function decodeRows(data: Uint8Array, rungCount: number): ChunkEntry[] {
  const row = rowBytes(rungCount);
  if (data.length % row) throw new FormatError(`rows of ${row} bytes do not make ${data.length} bytes`);
  const view = viewOf(data);
  return Array.from({ length: data.length / row }, (_, i) => decodeRow(data, view, i * row, rungCount));
}

function decodeRow(data: Uint8Array, view: DataView, at: number, rungCount: number): ChunkEntry {
  const start = readRatio(view, at, "chunk start");
  const duration = readRatio(view, at + RATIO_BYTES, "chunk duration");
  const segments: SegmentEntry[] = [];
  for (let position = at + CHUNK_BYTES; segments.length < rungCount; position += SEGMENT_BYTES) {
    segments.push({
      // Beyond 2^53 no longer exact, and then refused: it is not where the layout puts it.
      offset: Number(view.getBigUint64(position, true)),
      length: view.getUint32(position + 8, true),
      digest: data.subarray(position + 12, position + SEGMENT_BYTES),
    });
  }
  return {
    start,
    duration,
    end: sum(start, duration),
    firstFrame: view.getUint32(at + 2 * RATIO_BYTES, true),
    frameCount: view.getUint32(at + 2 * RATIO_BYTES + 4, true),
    segments,
  };
}

/** Chunks follow each other from `previous` on, segments tile the file from `offset` on. The first has `number`. */
function checkRows(chunks: readonly ChunkEntry[], previous: ChunkEntry | null, offset: number, number: number): void {
  for (const chunk of chunks) {
    checkFollows(previous, chunk, number);
    offset = checkSegments(chunk, offset, number);
    previous = chunk;
    number += 1;
  }
  if (previous === null) return;
  const frames = previous.firstFrame + previous.frameCount;
  if (offset > MAX_SHOW_BYTES || frames > MAX_FRAMES) {
    throw new FormatError(`index has ${frames} frames in ${offset} bytes; too many`);
  }
  if (compare(previous.end, new Ratio(BigInt(MAX_DURATION_S), 1n)) > 0) {
    throw new FormatError(`index lasts ${previous.end} s; at most ${MAX_DURATION_S} are allowed`);
  }
}

function checkFollows(previous: ChunkEntry | null, chunk: ChunkEntry, number: number): void {
  const start = previous === null ? ZERO : previous.end;
  const first = previous === null ? 0 : previous.firstFrame + previous.frameCount;
  if (!same(chunk.start, start) || chunk.duration.numerator <= 0n) {
    throw new FormatError(
      `chunk ${number} starts at ${chunk.start} s and lasts ${chunk.duration} s; ${start} s is its turn`,
    );
  }
  if (chunk.firstFrame !== first || chunk.frameCount < 1 || chunk.frameCount > MAX_FRAMES_PER_CHUNK) {
    throw new FormatError(`chunk ${number} has ${chunk.frameCount} frames from ${chunk.firstFrame}; ${first} is next`);
  }
}

/** A chunk's segments lie one behind the other from `offset` on, aligned -> the next one's. */
function checkSegments(chunk: ChunkEntry, offset: number, number: number): number {
  chunk.segments.forEach((segment, rung) => {
    if (segment.offset !== offset || offset % SEGMENT_ALIGNMENT) {
      throw new FormatError(`chunk ${number} rung ${rung} lies at byte ${segment.offset} instead of ${offset}`);
    }
    if (!segment.length || segment.length > MAX_SEGMENT_BYTES) {
      throw new FormatError(`chunk ${number} rung ${rung} has ${segment.length} bytes`);
    }
    offset = aligned(offset + segment.length);
  });
  return offset;
}
