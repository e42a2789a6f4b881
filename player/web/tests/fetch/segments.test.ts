/** The buffer between network and decoder: bounded, complete, damaged segments come twice at most. */

import { beforeAll, expect, test } from "vitest";
import { SegmentCache } from "../../src/fetch/cache.ts";
import { SegmentBuffer } from "../../src/fetch/segments.ts";
import { decodeFront } from "../../src/format/container.ts";
import { prepareDigest } from "../../src/format/digest.ts";
import { StreamError } from "../../src/format/errors.ts";
import { ShowIndex } from "../../src/format/show_index.ts";
import { MemoryShow, golden, random } from "../shows.ts";

const NEVER = new AbortController().signal;
const REACH = { seconds: 60, memory: 1 << 20 };
let index: ShowIndex;
let read: (chunk: number) => Uint8Array;

beforeAll(async () => {
  await prepareDigest();
  const data = golden("tiny.show");
  ({ index } = decodeFront(data, "tiny"));
  read = (chunk) => {
    const { offset, length } = index.chunks[chunk].segments[0];
    return data.slice(offset, offset + length);
  };
});

function buffer(options: Partial<ConstructorParameters<typeof SegmentBuffer>[1]> = {}, its = index): SegmentBuffer {
  return new SegmentBuffer(its, { reach: REACH, position: 0, live: false, loop: false, ...options });
}

test("it fills to the end and gives what the file gives", async () => {
  const segments = buffer();
  expect(segments.missing()).toBe(0);
  segments.put(0, 0, read(0));
  expect(segments.ranges()).toEqual([[0, 0.1001]]);
  expect(segments.missing()).toBe(1);
  segments.put(1, 0, read(1));
  expect(segments.missing()).toBeNull();
  expect(segments.aheadS()).toBeCloseTo(0.2002, 12);
  expect(segments.ranges()).toEqual([[0, 0.2002]]);
  for (const number of [0, 1, 0]) expect(await segments.take(number, NEVER)).toMatchObject({ index: number, rung: 0 });
  expect(await segments.take(0, NEVER)).toBe(await segments.take(0, NEVER));
  expect(await segments.take(2, NEVER)).toBeNull();
});

test("a loop goes on with the start", async () => {
  const segments = buffer({ loop: true });
  segments.put(1, 0, read(1));
  expect(await segments.take(1, NEVER)).not.toBeNull();
  expect(segments.missing()).toBe(0);
  segments.loop = false;
  expect(segments.missing()).toBeNull();
});

test("it reaches no further than asked", () => {
  const near = buffer({ reach: { seconds: 0.1001, memory: 1 << 20 } });
  near.put(0, 0, read(0));
  expect(near.missing()).toBeNull();
  const full = buffer({ reach: { seconds: 60, memory: 2 * read(0).length } });
  full.put(0, 0, read(0));
  expect(full.missing()).toBeNull();
});

test("a seek tells the network", () => {
  const segments = buffer();
  const moves: (number | null)[] = [];
  segments.onMove = () => moves.push(segments.missing());
  segments.take(1, AbortSignal.abort()).catch(() => {});
  segments.take(1, AbortSignal.abort()).catch(() => {});
  expect(moves).toEqual([1]);
});

test("it waits for what comes, as long as that is wanted", async () => {
  const segments = buffer();
  const waiting = segments.take(1, NEVER);
  const control = new AbortController();
  const unwanted = segments.take(0, control.signal);
  control.abort(new Error("no more"));
  await expect(unwanted).rejects.toThrow("no more");
  segments.put(1, 0, read(1));
  expect(await waiting).toMatchObject({ index: 1 });
});

test("a live show grows and ends", async () => {
  const segments = buffer({ live: true }, new ShowIndex(index.chunks.slice(0, 1)));
  segments.put(0, 0, read(0));
  expect(segments.missing()).toBe(1);
  const waiting = segments.take(1, NEVER);
  segments.extend(index);
  segments.put(1, 0, read(1));
  expect(await waiting).toMatchObject({ index: 1 });
  const behind = segments.take(2, NEVER);
  segments.finish();
  expect(await behind).toBeNull();
  expect(segments.live).toBe(false);
});

test("damage is fetched once more, and then told", async () => {
  const damaged = read(0);
  damaged[damaged.length - 1] ^= 1;
  const segments = buffer();
  segments.put(0, 0, damaged);
  const waiting = segments.take(0, NEVER);
  await Promise.resolve();
  expect(segments.missing()).toBe(0);
  expect(segments.distrusts(0)).toBe(true);
  segments.put(0, 0, read(0));
  expect(await waiting).toMatchObject({ index: 0 });

  const hopeless = buffer();
  hopeless.put(0, 0, read(0).subarray(1));
  const told = hopeless.take(0, NEVER);
  await Promise.resolve();
  hopeless.put(0, 0, damaged);
  await expect(told).rejects.toThrow("chunk 0 rung 0 has a wrong checksum");
});

test("what is here plays although the network has failed", async () => {
  const segments = buffer();
  segments.put(0, 0, read(0));
  const waiting = segments.take(1, NEVER);
  segments.fail(new StreamError("gone"));
  await expect(waiting).rejects.toThrow("gone");
  expect(await segments.take(0, NEVER)).toMatchObject({ index: 0 });
});

test("rungs that may not be used any more are forgotten", () => {
  const show = new MemoryShow([
    [10, 20],
    [30, 40],
    [50, 60],
  ]);
  const segments = buffer({}, show.index);
  for (const [chunk, rung] of [
    [0, 0],
    [1, 1],
    [2, 0],
  ]) {
    segments.put(chunk, rung, show.segment(chunk, rung));
  }
  expect(segments.missing()).toBeNull();
  segments.keepRungs((rung) => rung === 0);
  expect(segments.missing()).toBe(1);
  expect(segments.ranges().map(([start]) => start)).toEqual([0, 0.2002]);
});

test("a cache keeps to its size and to what is played next", () => {
  const next = random(6);
  for (let run = 0; run < 300; run++) {
    const capacity = 1 + Math.floor(2000 * next());
    const cache = new SegmentCache(capacity);
    for (let i = 0; i < 40; i++) {
      const [chunk, size, position] = [20, 900, 20].map((most) => Math.floor(most * next()));
      cache.put(chunk, { rung: 0, content: new Uint8Array(), size }, { position, count: 20 });
      const kept = cache.chunks;
      expect(cache.size).toBe(kept.reduce((sum, c) => sum + cache.get(c)!.size, 0));
      expect(cache.size <= capacity || kept.length === 1).toBe(true);
      let run = 0;
      while (kept.includes(position + run)) run += 1;
      expect(cache.run(position)).toBe(run);
    }
  }
  const cache = new SegmentCache(3);
  const one = { rung: 0, content: new Uint8Array(), size: 1 };
  for (const chunk of [8, 9, 0, 1]) cache.put(chunk, one, { position: 9, count: 10 });
  expect(cache.chunks).toEqual([9, 0, 1]); // 8 was just played: it comes last
});
