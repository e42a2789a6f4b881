/** The segments between the network, which puts them, and the decoder, which takes them. */

import type { Chunk } from "../format/chunk.ts";
import { unpackSegment } from "../format/container.ts";
import { FormatError } from "../format/errors.ts";
import type { ShowIndex } from "../format/show_index.ts";
import { Bell } from "./bell.ts";
import { type Segment, SegmentCache } from "./cache.ts";

const SHARE_AHEAD = 0.75; // of the memory, for what is still to be played

const NEXT_ONES = 2; // chunks from the position on that are played as they are

/** How far ahead segments are fetched: seconds, and bytes of memory in all. */
export interface Reach {
  readonly seconds: number;
  readonly memory: number;
}

/** What is here, what is wanted next, and how it ended. */
export class SegmentBuffer {
  /** After the last chunk comes the first. */
  loop: boolean;
  /** The play position has moved, or something is wanted anew. */
  onMove: () => void = () => {};
  private readonly changed = new Bell();
  private readonly cache: SegmentCache;
  private readonly reach: Reach;
  private known: ShowIndex;
  private position: number;
  private grows: boolean;
  private readonly distrusted = new Set<number>();
  private error: Error | null = null;

  /** @param position the chunk to begin with. */
  constructor(
    index: ShowIndex,
    { reach, position, live, loop }: { reach: Reach; position: number; live: boolean; loop: boolean },
  ) {
    this.known = index;
    this.reach = reach;
    this.cache = new SegmentCache(reach.memory);
    this.position = position;
    this.grows = live;
    this.loop = loop;
  }

  /** As far as it is known. */
  get index(): ShowIndex {
    return this.known;
  }

  /** More chunks may come. */
  get live(): boolean {
    return this.grows;
  }

  /**
   * The chunk, waiting for it; the play position moves there. null behind the show's end.
   *
   * Rejects with FormatError: it came damaged twice; with what ended the fetching; with the signal's reason.
   */
  async take(chunk: number, signal: AbortSignal): Promise<Chunk | null> {
    this.move(chunk);
    for (;;) {
      signal.throwIfAborted();
      const segment = this.cache.get(chunk);
      if (segment !== null) {
        const found = this.unpacked(chunk, segment);
        if (found !== null) return found;
      } else if (chunk >= this.known.chunks.length && !this.grows) {
        return null;
      } else if (this.error !== null) {
        throw this.error;
      } else {
        await this.changed.next({ signal });
      }
    }
  }

  private move(chunk: number): void {
    if (this.position === chunk) return;
    this.position = chunk;
    this.onMove();
  }

  /** Checked only once; a damaged segment is fetched once more. */
  private unpacked(number: number, segment: Segment): Chunk | null {
    if (!(segment.content instanceof Uint8Array)) return segment.content;
    let chunk: Chunk;
    try {
      chunk = unpackSegment(this.known, number, segment.rung, segment.content);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.cache.drop(number);
      if (this.distrusted.has(number)) throw error;
      this.distrusted.add(number);
      this.onMove();
      return null;
    }
    this.keep(number, { ...segment, content: chunk });
    return chunk;
  }

  /** A segment has come. */
  put(chunk: number, rung: number, data: Uint8Array): void {
    this.keep(chunk, { rung, content: data, size: data.length });
    this.changed.ring();
  }

  private keep(chunk: number, segment: Segment): void {
    this.cache.put(chunk, segment, { position: this.position, count: this.known.chunks.length });
  }

  /** Whether the chunk has come damaged: what caches on the way have of it is not to be used. */
  distrusts(chunk: number): boolean {
    return this.distrusted.has(chunk);
  }

  /** Comes when the chunk is here at another rung than this one. Rejects with the signal's reason. */
  async better(chunk: number, rung: number, signal: AbortSignal): Promise<void> {
    while ((this.cache.get(chunk)?.rung ?? rung) === rung) await this.changed.next({ signal });
  }

  /**
   * The first chunk among those that are here and will be played that might be better; the very next ones are left
   * alone, for a change must be in time. `worse`: whether a chunk at a rung is less than what may be had now.
   */
  improvable(worse: (chunk: number, rung: number) => boolean): number | null {
    const { chunks } = this.known;
    const count = chunks.length;
    let seconds = 0;
    for (let ahead = NEXT_ONES; ahead < NEXT_ONES + count && seconds < this.reach.seconds; ahead++) {
      const chunk = (this.position + ahead) % count;
      if (this.position + ahead >= count && !this.loop && count > 1) return null;
      const segment = this.cache.get(chunk);
      if (segment && worse(chunk, segment.rung)) return chunk;
      seconds += chunks[chunk].duration.toSeconds();
    }
    return null;
  }

  /** Forget the segments of rungs for which `kept` is false. */
  keepRungs(kept: (rung: number) => boolean): void {
    for (const chunk of this.cache.chunks) if (!kept(this.cache.get(chunk)!.rung)) this.cache.drop(chunk);
  }

  /** The show has grown. */
  extend(index: ShowIndex): void {
    this.known = index;
    this.changed.ring();
  }

  /** The show grows no more. */
  finish(): void {
    this.grows = false;
    this.changed.ring();
  }

  /** Nothing more will come. */
  fail(error: Error): void {
    this.error = error;
    this.changed.ring();
  }

  /**
   * The first chunk that should be fetched now, from the position on; null where enough is here.
   *
   * It may be the one behind the newest where the show is live.
   */
  missing(): number | null {
    const { chunks } = this.known;
    let [chunk, seconds, size] = [this.position, 0, 0];
    for (let looked = 0; looked <= chunks.length; looked++, chunk++) {
      if (chunk >= chunks.length) {
        if (this.grows) return chunks.length;
        if (!this.loop) return null;
        chunk = 0;
      }
      const segment = this.cache.get(chunk);
      if (segment === null) return chunk;
      seconds += chunks[chunk].duration.toSeconds();
      size += segment.size;
      // Room for one more segment like those that are here, or a cache would let go of what it just got.
      if (seconds >= this.reach.seconds || size + segment.size > SHARE_AHEAD * this.reach.memory) return null;
    }
    return null;
  }

  /** Seconds of the show that are here from the position on. */
  aheadS(): number {
    const { chunks } = this.known;
    const end = Math.min(this.position + this.cache.run(this.position), chunks.length);
    return end > this.position ? chunks[end - 1].end.toSeconds() - chunks[this.position].start.toSeconds() : 0;
  }

  /** Seconds of the show from and to which it is here. */
  ranges(): [number, number][] {
    const { chunks } = this.known;
    const out: [number, number][] = [];
    for (const first of this.cache.chunks.sort((a, b) => a - b)) {
      const [start, end] = [chunks[first].start.toSeconds(), chunks[first].end.toSeconds()];
      const last = out.at(-1);
      if (last !== undefined && last[1] === start) last[1] = end;
      else out.push([start, end]);
    }
    return out;
  }
}
