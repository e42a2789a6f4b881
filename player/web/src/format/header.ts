/** The first 64 bytes of a show. SPEC section 3.1. */

import { crc32 } from "./crc32.ts";
import { sameBytes } from "./digest.ts";
import { FormatError } from "./errors.ts";
import { viewOf } from "./ratio_bytes.ts";
import {
  DIGEST_BYTES,
  FORMAT_MAJOR,
  HEADER_BYTES,
  MAX_INDEX_BYTES,
  MAX_MANIFEST_BYTES,
  MAX_SHOW_BYTES,
  SEGMENT_ALIGNMENT,
  SHOW_MAGIC,
} from "./schema.ts";

/** Sizes in bytes; the manifest starts at 64, the index right behind it. */
export interface Header {
  readonly fileBytes: number;
  readonly manifestBytes: number;
  readonly indexBytes: number;
  readonly firstSegment: number;
  readonly digest: Uint8Array;
  /** Header, manifest and index together: what a reader needs before it can ask for a segment. */
  readonly frontBytes: number;
}

/** The next multiple of SEGMENT_ALIGNMENT. */
export function aligned(offset: number): number {
  return Math.ceil(offset / SEGMENT_ALIGNMENT) * SEGMENT_ALIGNMENT;
}

/** The first 64 bytes -> Header, every size capped. Throws FormatError with the byte range. */
export function decodeHeader(data: Uint8Array): Header {
  const magic = data.subarray(0, SHOW_MAGIC.length);
  if (!data.length || !sameBytes(magic, SHOW_MAGIC.subarray(0, magic.length))) {
    throw new FormatError("this is not a show; its first bytes are other ones", [0, SHOW_MAGIC.length]);
  }
  if (data.length < HEADER_BYTES) {
    throw new FormatError("the show ends inside its header", [data.length, HEADER_BYTES]);
  }
  const view = viewOf(data);
  if (view.getUint32(60, true) !== crc32(data.subarray(0, 60))) {
    throw new FormatError("the show's header has a wrong checksum", [0, HEADER_BYTES]);
  }
  const [major, minor] = [view.getUint16(8, true), view.getUint16(10, true)];
  if (major !== FORMAT_MAJOR) {
    throw new FormatError(
      `the show has format ${major}.${minor}, this player reads ${FORMAT_MAJOR}.x; use another one`,
      [8, 12],
    );
  }
  if (view.getUint32(12, true) || view.getUint32(56, true)) {
    throw new FormatError("the show's header sets bits that this version does not know", [12, HEADER_BYTES]);
  }
  // Beyond 2^53 these are no longer exact, but far beyond every cap.
  const [fileBytes, firstSegment] = [Number(view.getBigUint64(16, true)), Number(view.getBigUint64(32, true))];
  const [manifestBytes, indexBytes] = [view.getUint32(24, true), view.getUint32(28, true)];
  if (!manifestBytes || manifestBytes > MAX_MANIFEST_BYTES || !indexBytes || indexBytes > MAX_INDEX_BYTES) {
    throw new FormatError(`the show declares ${manifestBytes} bytes of manifest and ${indexBytes} of index`, [24, 32]);
  }
  const frontBytes = HEADER_BYTES + manifestBytes + indexBytes;
  if (firstSegment !== aligned(frontBytes) || firstSegment >= fileBytes || fileBytes > MAX_SHOW_BYTES) {
    throw new FormatError(`the show declares segments from ${firstSegment} to ${fileBytes}`, [16, 40]);
  }
  const digest = data.slice(40, 40 + DIGEST_BYTES);
  return { fileBytes, manifestBytes, indexBytes, firstSegment, digest, frontBytes };
}
