/** Segments that are here already: ahead of the play position, and behind it as long as there is room. */

import type { Chunk } from "../format/chunk.ts";

/** A chunk at a rung: its bytes as they came, or what was unpacked from them. `size` in bytes. */
export interface Segment {
  readonly rung: number;
  readonly content: Uint8Array | Chunk;
  readonly size: number;
}

/** At most `capacity` bytes of segments, but always the one that is played. */
export class SegmentCache {
  size = 0;
  private readonly segments = new Map<number, Segment>();

  constructor(private readonly capacity: number) {}

  /** Numbers of the chunks that are here. */
  get chunks(): number[] {
    return [...this.segments.keys()];
  }

  get(chunk: number): Segment | null {
    return this.segments.get(chunk) ?? null;
  }

  /** Keep a segment. What is played last, seen from chunk `position` of `count` in a circle, makes room. */
  put(chunk: number, segment: Segment, { position, count }: { position: number; count: number }): void {
    this.drop(chunk);
    this.segments.set(chunk, segment);
    this.size += segment.size;
    const distance = (other: number) => mod(other - position, Math.max(count, 1));
    while (this.size > this.capacity && this.segments.size > 1) {
      this.drop(this.chunks.reduce((a, b) => (distance(b) > distance(a) ? b : a)));
    }
  }

  /** Forget a segment. */
  drop(chunk: number): void {
    this.size -= this.segments.get(chunk)?.size ?? 0;
    this.segments.delete(chunk);
  }

  /** How many chunks from this one on are here without a gap. */
  run(chunk: number): number {
    let count = 0;
    while (this.segments.has(chunk + count)) count += 1;
    return count;
  }
}

/** The remainder that is not negative. */
function mod(value: number, by: number): number {
  return ((value % by) + by) % by;
}
