/** One zstd frame (RFC 8878) from outside, into a buffer of exactly the size that was expected. SPEC section 6.1. */

import { FormatError } from "../errors.ts";
import { viewOf } from "../ratio_bytes.ts";
import { BlockDecoder, MAX_BLOCK_BYTES } from "./block.ts";

const MAGIC = 0xfd2fb528;
const CHECKSUM_BYTES = 4;
const PADDING = 4; // bits are read four bytes at a time
const RAW = 0;
const REPEATED = 1;
const COMPRESSED = 2;

export interface Expected {
  /** Bytes that the frame declares and unpacks to. */
  readonly size: number;
  /** Bytes. */
  readonly maxWindow: number;
  /** What errors call it. */
  readonly name: string;
}

interface FrameHeader {
  /** null where the frame does not say. */
  readonly contentSize: number | null;
  readonly windowSize: number;
  readonly dictionary: number;
  readonly checksum: boolean;
  /** Where the blocks start. */
  readonly end: number;
}

/**
 * The frame's content. Its checksum is not looked at: a segment's digest covers it.
 *
 * Throws FormatError before anything is allocated where the content would have another size.
 */
export function decompress(frame: Uint8Array, { size, maxWindow, name }: Expected): Uint8Array {
  const header = readHeader(frame, name);
  if (header.contentSize !== size) {
    throw new FormatError(`${name} declares another size than the ${size} bytes that its table needs`);
  }
  if (header.windowSize > maxWindow || header.dictionary) {
    throw new FormatError(`${name} needs a larger window than ${maxWindow} bytes, or a dictionary`);
  }
  try {
    return readBlocks(frame, header, size);
  } catch (error) {
    throw error instanceof FormatError ? new FormatError(`${name} is damaged: ${error.reason}`) : error;
  }
}

/** RFC 8878, section 3.1.1.1. */
function readHeader(frame: Uint8Array, name: string): FrameHeader {
  const view = viewOf(frame);
  if (frame.length < 6 || view.getUint32(0, true) !== MAGIC) throw new FormatError(`${name} is not a zstd frame`);
  const descriptor = frame[4];
  if (descriptor & 8) throw new FormatError(`${name} is damaged: its frame has a reserved bit`);
  const single = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3];
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor >> 6];
  const dictionaryStart = single ? 5 : 6;
  const sizeStart = dictionaryStart + dictionaryBytes;
  const end = sizeStart + sizeBytes;
  if (frame.length < end) throw new FormatError(`${name} is damaged: its frame ends inside its header`);
  const contentSize = sizeBytes ? little(frame, sizeStart, sizeBytes) + (sizeBytes === 2 ? 256 : 0) : null;
  const base = 2 ** (10 + (frame[5] >> 3));
  const windowSize = single ? contentSize! : base + (base / 8) * (frame[5] & 7);
  const dictionary = little(frame, dictionaryStart, dictionaryBytes);
  return { contentSize, windowSize, dictionary, checksum: (descriptor & 4) !== 0, end };
}

/** All blocks, which give exactly `size` bytes, and behind which nothing follows. */
function readBlocks(frame: Uint8Array, header: FrameHeader, size: number): Uint8Array {
  const most = Math.min(header.windowSize, MAX_BLOCK_BYTES);
  const data = new Uint8Array(frame.length + PADDING);
  data.set(frame);
  const out = new Uint8Array(size);
  const decoder = new BlockDecoder(data, out);
  let at = header.end;
  for (let last = false; !last;) {
    if (at + 3 > frame.length) throw new FormatError("its frame is cut short");
    const head = little(data, at, 3);
    last = (head & 1) === 1;
    const [kind, length] = [(head >> 1) & 3, head >> 3];
    const start = at + 3;
    at = start + (kind === REPEATED ? 1 : length);
    if (kind > COMPRESSED || length > most) throw new FormatError("its frame has an impossible block");
    if (at > frame.length) throw new FormatError("its frame is cut short");
    if (kind === COMPRESSED) decoder.decode(start, at, most);
    else {
      if (length > size - decoder.written) throw new FormatError(`it unpacks to more than ${size} bytes`);
      if (kind === RAW) out.set(data.subarray(start, at), decoder.written);
      else out.fill(data[start], decoder.written, decoder.written + length);
      decoder.written += length;
    }
  }
  at += header.checksum ? CHECKSUM_BYTES : 0;
  if (at !== frame.length) throw new FormatError(`its frame has ${at} bytes, and ${frame.length} are there`);
  if (decoder.written !== size) throw new FormatError(`it unpacks to ${decoder.written} bytes instead of ${size}`);
  return out;
}

/** A little endian number of up to 8 bytes; beyond 2^53 no longer exact. */
function little(data: Uint8Array, at: number, bytes: number): number {
  let value = 0;
  for (let i = bytes - 1; i >= 0; i--) value = value * 256 + data[at + i];
  return value;
}
