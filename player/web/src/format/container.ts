/** A show's front, and its segments against it. SPEC sections 3 and 5. */

import { digest, sameBytes } from "./digest.ts";
import { FormatError, located } from "./errors.ts";
import { type Geometry, decodeGeometry } from "./geometry.ts";
import { type Header, decodeHeader } from "./header.ts";
import { type Manifest, checkAgreement, decodeManifest, geometryBounds } from "./manifest.ts";
import { same } from "./ratio.ts";
import { HEADER_BYTES } from "./schema.ts";
import { type Chunk, decodeSegment } from "./chunk.ts";
import { type ShowIndex, decodeIndex } from "./show_index.ts";

export interface Front {
  readonly header: Header;
  readonly manifest: Manifest;
  readonly index: ShowIndex;
}

/**
 * Header, manifest and index from a show's first bytes, of which digests and pictures stay views; `name` is what errors
 * call it. Throws FormatError.
 */
export function decodeFront(front: Uint8Array, name: string): Front {
  const header = located(name, null, () => {
    const header = decodeHeader(front);
    if (front.length < header.frontBytes) {
      throw new FormatError("the show is cut short", [front.length, header.frontBytes]);
    }
    if (!sameBytes(digest(front.subarray(HEADER_BYTES, header.frontBytes)), header.digest)) {
      throw new FormatError("manifest and index have a wrong checksum", [HEADER_BYTES, header.frontBytes]);
    }
    return header;
  });
  const indexStart = HEADER_BYTES + header.manifestBytes;
  const manifest = located(name, [HEADER_BYTES, indexStart], () =>
    decodeManifest(front.subarray(HEADER_BYTES, indexStart)),
  );
  const index = located(name, [indexStart, header.frontBytes], () => {
    const index = decodeIndex(front.subarray(indexStart, header.frontBytes));
    checkAgreement(manifest, index);
    const [first, last] = [index.chunks[0].segments[0], index.newest.segments[index.rungCount - 1]];
    const end = last.offset + last.length;
    if (first.offset !== header.firstSegment || end !== header.fileBytes) {
      throw new FormatError(`index covers bytes ${first.offset} to ${end}, the header says otherwise`);
    }
    return index;
  });
  return { header, manifest, index };
}

/** A segment's bytes -> the chunk that the index promises, checksum and all. Throws FormatError with the byte range. */
export function unpackSegment(index: ShowIndex, chunk: number, rung: number, data: Uint8Array): Chunk {
  const entry = index.chunks[chunk];
  const segment = entry.segments[rung];
  const name = `chunk ${chunk} rung ${rung}`;
  const bytes = [segment.offset, segment.offset + segment.length] as const;
  if (data.length !== segment.length) throw new FormatError(`${name} is cut short`, bytes);
  if (!sameBytes(digest(data), segment.digest)) throw new FormatError(`${name} has a wrong checksum`, bytes);
  return located(name, bytes, () => {
    const out = decodeSegment(data);
    const promised =
      out.index === chunk &&
      out.rung === rung &&
      same(out.start, entry.start) &&
      same(out.duration, entry.duration) &&
      out.firstFrame === entry.firstFrame &&
      out.frameTimes.length === entry.frameCount;
    if (!promised) throw new FormatError("it is another chunk than its index says");
    return out;
  });
}

/** The meshes of a chunk, checked against the manifest. Throws FormatError with the segment's byte range. */
export function unpackGeometry(manifest: Manifest, index: ShowIndex, chunk: Chunk): Geometry {
  const segment = index.chunks[chunk.index].segments[chunk.rung];
  const bounds = geometryBounds(manifest, chunk.rung, chunk.frameTimes.length);
  return located(`chunk ${chunk.index} rung ${chunk.rung}`, [segment.offset, segment.offset + segment.length], () =>
    decodeGeometry(chunk.geometry, bounds),
  );
}
