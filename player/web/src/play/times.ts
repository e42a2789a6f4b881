/** Which frame belongs to which time, by a chunk's mean rate. */

import type { ChunkTimes } from "../worker/messages.ts";

// A time that was computed from a frame's is that frame's, whichever way it was rounded.
const SLACK = 1e-6;

interface Place {
  readonly start: number;
  readonly duration: number;
  readonly first: number;
  readonly count: number;
}

/** The show's frame at `time` seconds; the first or last where it is outside. */
export function frameAt(times: ChunkTimes, time: number): number {
  const place = chunkAt(times, lastUpTo(times.starts, time + SLACK));
  const within = Math.floor(((time - place.start) * place.count) / place.duration + SLACK);
  return place.first + Math.min(Math.max(within, 0), place.count - 1);
}

/** When a frame of the show begins, seconds. */
export function timeOf(times: ChunkTimes, frame: number): number {
  const place = chunkAt(times, lastUpTo(times.firstFrames, frame));
  return place.start + ((frame - place.first) * place.duration) / place.count;
}

function chunkAt({ starts, firstFrames, duration, frameCount }: ChunkTimes, i: number): Place {
  const start = starts[i];
  const first = firstFrames[i];
  return {
    start,
    duration: (starts[i + 1] ?? duration) - start,
    first,
    count: (firstFrames[i + 1] ?? frameCount) - first,
  };
}

/** The last of the increasing `values` that is at most `limit`; the first where none is. */
function lastUpTo(values: readonly number[], limit: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (values[middle] <= limit) low = middle;
    else high = middle - 1;
  }
  return low;
}
