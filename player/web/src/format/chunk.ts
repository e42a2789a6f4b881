/** A chunk at one rung, out of its bytes: the segment. Decodable alone, pairs by timestamp. SPEC section 5. */

import { crc32 } from "./crc32.ts";
import { sameBytes } from "./digest.ts";
import { FormatError } from "./errors.ts";
import { type Ratio, compare, ratio, sum } from "./ratio.ts";
import { RATIO_BYTES, readRatio, viewOf } from "./ratio_bytes.ts";
import {
  MAX_CHUNKS,
  MAX_FRAMES,
  MAX_FRAMES_PER_CHUNK,
  MAX_GEOMETRY_BYTES,
  MAX_RUNGS,
  MAX_SEGMENT_BYTES,
  MAX_SOUND_PACKETS,
  MAX_SOUND_PACKET_BYTES,
  SEGMENT_HEADER_BYTES,
  SEGMENT_MAGIC,
  SEGMENT_VERSION,
} from "./schema.ts";

const UNIT_BYTES = 8;
const PACKET_BYTES = 16;
const KEY = 1;

/** One coded picture; `frame` is its frame within the chunk. */
export interface VideoUnit {
  readonly frame: number;
  readonly key: boolean;
  readonly data: Uint8Array;
}

/** One Opus packet; `time` is the show's time of its first sample, pre-skip included. */
export interface SoundPacket {
  readonly time: Ratio;
  readonly data: Uint8Array;
}

/** One closed group of pictures at one rung. All bytes are views of the segment's one buffer. */
export interface Chunk {
  /** Place in the show's index. */
  readonly index: number;
  readonly rung: number;
  /** Index of its first frame in the show. */
  readonly firstFrame: number;
  /** Seconds of the show's clock. */
  readonly start: Ratio;
  readonly duration: Ratio;
  /** One per frame, increasing, within [start, start + duration). */
  readonly frameTimes: readonly Ratio[];
  /** For `decodeGeometry`, with as many frames. */
  readonly geometry: Uint8Array;
  /** In decoding order, one per frame; the first is a key picture and frame 0. */
  readonly video: readonly VideoUnit[];
  /** In order of time. */
  readonly sound: readonly SoundPacket[];
}

interface SegmentHead {
  readonly index: number;
  readonly rung: number;
  readonly firstFrame: number;
  readonly frameCount: number;
  readonly soundCount: number;
  readonly start: Ratio;
  readonly duration: Ratio;
  readonly geometryBytes: number;
  readonly videoBytes: number;
  readonly soundBytes: number;
  /** Of header and tables. */
  readonly tablesEnd: number;
}

/** A whole segment -> Chunk with every table checked; geometry and video stay packed. Throws FormatError. */
export function decodeSegment(data: Uint8Array): Chunk {
  const head = decodeHead(data);
  const view = viewOf(data);
  const size = head.tablesEnd + head.geometryBytes + head.videoBytes + head.soundBytes;
  if (size > MAX_SEGMENT_BYTES) throw new FormatError(`segment declares ${size} bytes, over ${MAX_SEGMENT_BYTES}`);
  if (size !== data.length) throw new FormatError(`segment has ${data.length} bytes instead of ${size}`);
  const tables = data.subarray(SEGMENT_HEADER_BYTES, head.tablesEnd);
  if (crc32(tables, crc32(data.subarray(0, 60))) !== view.getUint32(60, true)) {
    throw new FormatError("segment's header has a wrong checksum");
  }
  const timesEnd = SEGMENT_HEADER_BYTES + head.frameCount * RATIO_BYTES;
  const unitsEnd = timesEnd + head.frameCount * UNIT_BYTES;
  const videoStart = head.tablesEnd + head.geometryBytes;
  const soundStart = videoStart + head.videoBytes;
  const chunk: Chunk = {
    index: head.index,
    rung: head.rung,
    firstFrame: head.firstFrame,
    start: head.start,
    duration: head.duration,
    frameTimes: Array.from({ length: head.frameCount }, (_, i) =>
      readRatio(view, SEGMENT_HEADER_BYTES + i * RATIO_BYTES, "frame time"),
    ),
    geometry: data.subarray(head.tablesEnd, videoStart),
    video: readUnits(data.subarray(timesEnd, unitsEnd), data.subarray(videoStart, soundStart)),
    sound: readPackets(data.subarray(unitsEnd, head.tablesEnd), data.subarray(soundStart)),
  };
  checkChunk(chunk);
  return chunk;
}

function decodeHead(data: Uint8Array): SegmentHead {
  if (data.length < SEGMENT_HEADER_BYTES) throw new FormatError("segment is shorter than its header");
  if (!sameBytes(data.subarray(0, 4), SEGMENT_MAGIC)) throw new FormatError("segment does not start with its header");
  const view = viewOf(data);
  const version = view.getUint16(4, true);
  if (version !== SEGMENT_VERSION) {
    throw new FormatError(`segment has version ${version}; this player reads ${SEGMENT_VERSION}`);
  }
  const [rung, index] = [view.getUint16(6, true), view.getUint32(8, true)];
  if (rung >= MAX_RUNGS || index >= MAX_CHUNKS) throw new FormatError(`segment says chunk ${index}, rung ${rung}`);
  const [firstFrame, frameCount] = [view.getUint32(12, true), view.getUint32(16, true)];
  if (firstFrame + frameCount > MAX_FRAMES || frameCount < 1 || frameCount > MAX_FRAMES_PER_CHUNK) {
    throw new FormatError(`segment has ${frameCount} frames from ${firstFrame} on`);
  }
  const [soundCount, geometryBytes] = [view.getUint32(20, true), view.getUint32(48, true)];
  if (soundCount > MAX_SOUND_PACKETS || geometryBytes < 1 || geometryBytes > MAX_GEOMETRY_BYTES) {
    throw new FormatError(`segment has ${soundCount} sound packets and ${geometryBytes} bytes of geometry`);
  }
  return {
    index,
    rung,
    firstFrame,
    frameCount,
    soundCount,
    start: readRatio(view, 24, "chunk start"),
    duration: readRatio(view, 36, "chunk duration"),
    geometryBytes,
    videoBytes: view.getUint32(52, true),
    soundBytes: view.getUint32(56, true),
    tablesEnd: SEGMENT_HEADER_BYTES + frameCount * (RATIO_BYTES + UNIT_BYTES) + soundCount * PACKET_BYTES,
  };
}

function readUnits(table: Uint8Array, bytes: Uint8Array): VideoUnit[] {
  const view = viewOf(table);
  const units: VideoUnit[] = [];
  let position = 0;
  for (let at = 0; at < table.length; at += UNIT_BYTES) {
    const end = position + view.getUint32(at, true);
    const flags = view.getUint16(at + 6, true);
    if (flags & ~KEY) throw new FormatError("segment has a video unit with unknown flags");
    units.push({ frame: view.getUint16(at + 4, true), key: flags === KEY, data: bytes.subarray(position, end) });
    position = end;
  }
  checkFilled(position, bytes, "video units");
  return units;
}

function readPackets(table: Uint8Array, bytes: Uint8Array): SoundPacket[] {
  const view = viewOf(table);
  const packets: SoundPacket[] = [];
  let position = 0;
  for (let at = 0; at < table.length; at += PACKET_BYTES) {
    const end = position + view.getUint32(at + RATIO_BYTES, true);
    packets.push({ time: readRatio(view, at, "sound time"), data: bytes.subarray(position, end) });
    position = end;
  }
  checkFilled(position, bytes, "sound packets");
  return packets;
}

function checkFilled(position: number, bytes: Uint8Array, name: string): void {
  if (position !== bytes.length) {
    throw new FormatError(`segment's ${name} do not fill their ${bytes.length} bytes`);
  }
}

/** The laws between a chunk's fields (SPEC 5.3). */
function checkChunk(chunk: Chunk): void {
  const name = `chunk ${chunk.index} rung ${chunk.rung}`;
  const end = sum(chunk.start, chunk.duration);
  const times = chunk.frameTimes;
  if (chunk.start.numerator < 0n || chunk.duration.numerator <= 0n) {
    throw new FormatError(`${name} starts at ${chunk.start} s and lasts ${chunk.duration} s`);
  }
  if (!increases(times)) throw new FormatError(`${name} has frame times that do not increase`);
  if (compare(times[0], chunk.start) < 0 || compare(times[times.length - 1], end) >= 0) {
    throw new FormatError(`${name} has frame times outside ${chunk.start} to ${end} s`);
  }
  const seen = new Set(chunk.video.map((unit) => unit.frame));
  if (seen.size !== times.length || chunk.video.some((unit) => unit.frame >= times.length)) {
    throw new FormatError(
      `${name} has ${chunk.video.length} video units that are not one per frame for ${times.length} frames`,
    );
  }
  if (!chunk.video[0].key || chunk.video[0].frame !== 0) {
    throw new FormatError(`${name} does not start with the key picture of its first frame`);
  }
  if (chunk.video.some((unit) => !unit.data.length)) throw new FormatError(`${name} has an empty video unit`);
  checkSound(chunk, end, name);
}

function checkSound({ sound, start }: Chunk, end: Ratio, name: string): void {
  if (!sound.length) return;
  if (sound.some(({ data }) => data.length < 1 || data.length > MAX_SOUND_PACKET_BYTES)) {
    throw new FormatError(`${name} has a sound packet that is empty or over ${MAX_SOUND_PACKET_BYTES} bytes`);
  }
  if (!increases(sound.map(({ time }) => time))) throw new FormatError(`${name} has sound times that do not increase`);
  // One second of pre-roll, so that a decoder that starts here has converged.
  const earliest = sum(start, ratio(-1));
  if (compare(sound[0].time, earliest) < 0 || compare(sound[sound.length - 1].time, end) >= 0) {
    throw new FormatError(`${name} has sound outside its time`);
  }
}

function increases(times: readonly Ratio[]): boolean {
  return times.every((time, i) => i === 0 || compare(times[i - 1], time) < 0);
}
