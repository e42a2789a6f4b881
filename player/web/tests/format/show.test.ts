/** Whole shows: the golden ones by exact values, and what is wrong with others, named with its bytes. */

import { beforeAll, describe, expect, test } from "vitest";
import { crc32 } from "../../src/format/crc32.ts";
import { decodeFront, unpackSegment } from "../../src/format/container.ts";
import { digest, prepareDigest } from "../../src/format/digest.ts";
import { FormatError } from "../../src/format/errors.ts";
import { decodeHeader } from "../../src/format/header.ts";
import { decodeManifest, geometryBounds } from "../../src/format/manifest.ts";
import { type Document, type Value, pack } from "../../src/format/msgpack.ts";
import { Ratio, ratio } from "../../src/format/ratio.ts";
import { type ChunkEntry, ShowIndex, decodeIndex, extended } from "../../src/format/show_index.ts";
import { MemoryShow, encodeIndex, encodeRow, frontOf, golden, goldenManifest, joined, random } from "../shows.ts";

let SHOW: MemoryShow;

beforeAll(async () => {
  await prepareDigest();
  SHOW = new MemoryShow();
});

function thrown(run: () => unknown): FormatError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    return error as FormatError;
  }
  throw new Error("nothing was refused");
}

describe("golden", () => {
  test.each(["tiny.show", "tiny_1_0.show"])("%s is read as what it was", (name) => {
    const { header, manifest: m, index } = decodeFront(golden(name), name);
    expect(header.firstSegment).toBe(4096);
    expect([m.title, m.frameCount, m.layerCount, m.units, m.near, m.far]).toEqual([
      "Tiny é",
      6,
      2,
      "metres",
      0.5,
      Infinity,
    ]);
    expect(m.frameRate).toEqual(new Ratio(30_000n, 1001n));
    expect(m.duration).toEqual(ratio(6006, 30_000));
    expect(m.projection).toEqual({
      kind: "plane",
      width: 32,
      height: 16,
      left: -1,
      top: 0.5,
      density: 16,
      wraps: false,
    });
    expect(m.comfortMin).toEqual([-0.1, -0.1, -0.1]);
    expect(m.cameras.map(({ name: its, heldOut }) => [its, heldOut])).toEqual([
      ["cam00", true],
      ["cam01", false],
    ]);
    expect(m.cameras[0].model).toEqual({ kind: "pinhole", width: 640, height: 480, params: [500, 500, 320, 240] });
    expect(m.cameras[0].T_show_camera).toEqual([1, 0, 0, 0.1, 0, -1, 0, 0, 0, 0, -1, -0.2, 0, 0, 0, 1]);
    expect(m.sound).toEqual({ codec: "opus", sampleRate: 48_000, channels: 1, preSkip: 312 });
    expect([...m.encoder]).toEqual([
      ["layers", 2],
      ["masks", false],
      ["quality", 23.5],
      ["seed", null],
      ["solver", "sweep"],
    ]);
    expect(m.stages).toEqual([{ camera: "cam00", frame: 0, heldOut: true, msiPsnr: 31.5, layersPsnr: 31.25 }]);
    expect([...m.poster]).toEqual([0xff, 0xd8, 0xff, 0xe0]);
    expect(m.rungs).toHaveLength(1);
    expect(m.rungs[0]).toMatchObject({
      name: "rung0",
      codec: "h264",
      codecString: "avc1.64000A",
      width: 64,
      height: 64,
      colourHeight: 32,
      alphaX: 0,
      alphaY: 32,
      textureScale: 1,
    });
    const cost = { coverageMean: 1.25, coverageP99: 2.5, triangles: 8, draws: 2 };
    const later = name === "tiny.show";
    expect(m.rungs[0].cost).toEqual(later ? cost : null);
    expect(m.thumbnails.map(({ time }) => String(time))).toEqual(later ? ["0", "1001/30000"] : []);
    expect(geometryBounds(m, 0, 3)).toEqual({
      layerCount: 2,
      frameCount: 3,
      gridWidth: 32,
      gridHeight: 16,
      atlasWidth: 64,
      atlasHeight: 32,
    });
    expect(index.chunks.map(({ start }) => String(start))).toEqual(["0", "1001/10000"]);
  });

  test("its chunks pair by time, and are views of one buffer", () => {
    const data = golden("tiny.show");
    const { index } = decodeFront(data, "tiny");
    index.chunks.forEach(({ segments }, number) => {
      const { offset, length } = segments[0];
      const segment = data.subarray(offset, offset + length);
      const chunk = unpackSegment(index, number, 0, segment);
      expect(chunk.frameTimes.map(String)).toEqual(
        [0, 1, 2].map((i) => String(ratio(1001 * (3 * number + i), 30_000))),
      );
      expect(chunk.video.map((unit) => unit.key)).toEqual([true, false, false]);
      expect(chunk.video.map((unit) => unit.frame).sort()).toEqual([0, 1, 2]);
      expect([...chunk.video[0].data.subarray(0, 4)]).toEqual([0, 0, 0, 1]);
      expect(chunk.sound).toHaveLength(2);
      const parts = [chunk.geometry, ...chunk.video.map((u) => u.data), ...chunk.sound.map((p) => p.data)];
      for (const part of parts) expect(part.buffer).toBe(data.buffer);
      const bytes = parts.reduce((sum, part) => sum + part.length, 0);
      expect(bytes).toBe(length - 64 - 20 * 3 - 16 * 2);
    });
  });
});

describe("the index", () => {
  const index = () => SHOW.index;

  test("finds chunks by time and frame", () => {
    const { chunks } = index();
    const at = (time: number | Ratio) => index().chunkAt(time);
    expect([-1, 0, 0.1, 0.11, 0.3, 99].map(at)).toEqual([0, 0, 0, 1, 2, 3]);
    for (const [number, { start }] of chunks.entries()) {
      expect(at(start)).toBe(number);
      expect(at(start.toSeconds())).toBe(number);
    }
    expect(at(ratio(300_299, 3_000_000))).toBe(0);
    expect([-1, 0, 2, 3, 11, 99].map((frame) => index().chunkOfFrame(frame))).toEqual([0, 0, 0, 1, 3, 3]);
    expect([index().frameCount, index().rungCount, String(index().duration)]).toEqual([12, 2, "1001/2500"]);
  });

  const changed = (number: number, change: Partial<ChunkEntry>) => {
    const { chunks } = index();
    return encodeIndex(new ShowIndex(chunks.map((chunk, i) => (i === number ? { ...chunk, ...change } : chunk))));
  };
  const offset = (by: number, length?: number) => {
    const [first, ...rest] = index().chunks[2].segments;
    return [{ ...first, offset: first.offset + by, length: length ?? first.length }, ...rest];
  };

  test.each<[string, () => Uint8Array, string]>([
    ["a gap in time", () => changed(1, { start: ratio(1, 9) }), "chunk 1 starts at 1/9 s"],
    ["no duration", () => changed(3, { duration: ratio(0) }), "lasts 0 s"],
    ["a gap in frames", () => changed(1, { firstFrame: 4 }), "3 frames from 4; 3 is next"],
    ["no frames", () => changed(3, { frameCount: 0 }), "0 frames from 9"],
    ["too many frames", () => changed(3, { frameCount: 1025 }), "1025 frames"],
    ["a segment elsewhere", () => changed(2, { segments: offset(4096) }), "chunk 2 rung 0 lies at byte"],
    ["a segment off the grid", () => changed(2, { segments: offset(1) }), "chunk 2 rung 0 lies at byte"],
    ["an empty segment", () => changed(2, { segments: offset(0, 0) }), "chunk 2 rung 0 has 0 bytes"],
    ["a huge segment", () => changed(2, { segments: offset(0, 2 ** 27 + 1) }), "chunk 2 rung 0 has 134217729 bytes"],
    ["a cut row", () => encodeIndex(index()).subarray(0, -1), "instead of"],
    ["no rows", () => encodeIndex(index()).subarray(0, 16), "instead of"],
    ["no header", () => new Uint8Array(15), "shorter than its header"],
    ["another magic", () => new Uint8Array(99), "does not start with its header"],
    ["no chunks", () => joined(encodeIndex(index()).fill(0, 4, 8)), "0 chunks of 2 rungs"],
    ["9 rungs", () => joined(encodeIndex(index()).fill(9, 8, 9)), "4 chunks of 9 rungs"],
    ["reserved bits", () => joined(encodeIndex(index()).fill(1, 12, 13)), "does not start with its header"],
  ])("%s is refused", (_, bad, says) => {
    expect(thrown(() => decodeIndex(bad())).message).toContain(says);
  });

  test("grows by the next rows only", () => {
    const show = new MemoryShow();
    const before = show.index;
    show.grow([[17, 18]]);
    const next = show.index.chunks[4];
    const shift = before.chunks[0].segments[0].offset - show.index.chunks[0].segments[0].offset;
    const moved = { ...next, segments: next.segments.map((s) => ({ ...s, offset: s.offset + shift })) };
    const grown = extended(before, encodeRow(moved));
    expect(grown.chunks).toHaveLength(5);
    expect(grown.newest).toEqual(moved);
    expect(before.chunks).toHaveLength(4);
    for (const bad of [
      encodeRow(moved).subarray(1),
      encodeRow(before.chunks[3]),
      joined(...[moved, moved].map(encodeRow)),
    ]) {
      thrown(() => extended(before, bad));
    }
  });
});

describe("the front", () => {
  const parts = () => {
    const { front } = SHOW;
    const { header } = decodeFront(front, "show");
    const middle = 64 + header.manifestBytes;
    return { manifest: front.slice(64, middle), index: front.slice(middle), fileBytes: header.fileBytes };
  };
  const made = (change: (header: DataView) => void) => {
    const { manifest, index, fileBytes } = parts();
    return frontOf(manifest, index, fileBytes, change);
  };

  test.each<[string, () => Uint8Array, string]>([
    ["nothing", () => new Uint8Array(), "not a show; its first bytes are other ones (bytes 0..8)"],
    ["other bytes", () => new Uint8Array(64), "not a show"],
    ["the start of one", () => made(() => {}).subarray(0, 63), "ends inside its header (bytes 63..64)"],
    ["half of it", () => made(() => {}).subarray(0, 200), "is cut short (bytes 200.."],
    ["a wrong CRC", () => joined(made(() => {}).fill(9, 20, 21)), "wrong checksum (bytes 0..64)"],
    ["another version", () => made((h) => h.setUint16(8, 2, true)), "format 2.1, this player reads 1.x"],
    ["flags", () => made((h) => h.setUint32(12, 1, true)), "bits that this version does not know"],
    ["reserved bits", () => made((h) => h.setUint32(56, 1, true)), "bits that this version does not know"],
    ["no manifest", () => made((h) => h.setUint32(24, 0, true)), "declares 0 bytes of manifest"],
    ["a large manifest", () => made((h) => h.setUint32(24, 2 ** 22 + 1, true)), "declares 4194305 bytes"],
    ["a large index", () => made((h) => h.setUint32(28, 2 ** 25, true)), "33554432 of index (bytes 24..32)"],
    ["segments elsewhere", () => made((h) => h.setBigUint64(32, 8192n, true)), "declares segments from 8192"],
    ["no segments", () => made((h) => h.setBigUint64(16, 4096n, true)), "declares segments from 4096 to 4096"],
    ["a huge file", () => made((h) => h.setBigUint64(16, 1n << 60n, true)), "declares segments from 4096 to"],
    [
      "a wrong digest",
      () => made((h) => h.setUint8(40, h.getUint8(40) ^ 1)),
      "manifest and index have a wrong checksum",
    ],
    ["another file size", () => made((h) => h.setBigUint64(16, 999_999n, true)), "the header says otherwise"],
  ])("%s is refused", (_, bad, says) => {
    const { message } = thrown(() => decodeFront(bad(), "steak"));
    expect(message).toContain(says);
    expect(message).toMatch(/^steak: .*\(bytes \d+\.\.\d+\)$/);
  });

  test("any newer minor version is read", () => {
    expect(decodeHeader(made((h) => h.setUint16(10, 77, true))).fileBytes).toBe(parts().fileBytes);
  });

  test("manifest and index speak of the same show", () => {
    const { index, fileBytes } = parts();
    const other = pack(goldenManifest());
    expect(thrown(() => decodeFront(frontOf(other, index, fileBytes), "x")).message).toContain(
      "manifest has 1 rungs, index 2",
    );
  });
});

describe("the manifest", () => {
  const read = (change: (m: Document) => void) => {
    const document = goldenManifest();
    change(document);
    return decodeManifest(pack(document));
  };
  const set = (path: string, value: Value) => (m: Document) => {
    const keys = path.split(".");
    const last = keys.pop()!;
    let at: Value = m;
    for (const key of keys) at = at instanceof Map ? at.get(key)! : (at as Value[])[Number(key)];
    if (at instanceof Map) at.set(last, value);
    else (at as Value[])[Number(last)] = value;
  };

  test("unknown keys are ignored, and those of 1.1 may be missing", () => {
    const m = read((document) => {
      document.set("of the future", [new Map([["deep", [1n, 2.5, null]]])]);
      document.delete("thumbnails");
      const [rung] = document.get("rungs") as Document[];
      rung.set("more", 1n);
      rung.delete("cost");
    });
    expect([m.title, m.thumbnails, m.rungs[0].cost]).toEqual(["Tiny é", [], null]);
  });

  const jpeg = Uint8Array.of(0xff, 0xd8, 0xff);
  const thumbnail = (time: Value, image: Value = jpeg): Value =>
    new Map<string, Value>([
      ["time", time],
      ["image", image],
    ]);

  test.each<[string, Value, string]>([
    ["title", 1n, "manifest.title must be a text"],
    ["title", "a\x00b", "control characters"],
    ["frame_rate", null, "manifest.frame_rate is missing for 6 frames"],
    ["frame_rate", [0n, 1n], "manifest.frame_rate must be a fraction"],
    ["frame_rate", [1001n, 1n], "(0, 1000]"],
    ["frame_count", 0n, "manifest.frame_count is 0"],
    ["duration", [2n, 4n], "manifest.duration"],
    ["near", 0, "manifest.near"],
    ["far", 0.5, "manifest.far must be beyond near (0.5)"],
    ["far", NaN, "manifest.far"],
    ["layer_count", 65n, "manifest.layer_count is 65"],
    ["comfort_max", [0, 0, -1], "must not be below comfort_min"],
    ["comfort_max", [0, 0], "3 to 3 entries"],
    ["units", "feet", "one of metres, rig units"],
    ["T_show_rig", Array<Value>(16).fill(0), "not a rigid pose"],
    ["cameras.1.name", "cam00", "manifest.cameras has a name twice"],
    ["cameras.0.model.params", [], "1 to 64 entries"],
    ["cameras.0.held_out", 1n, "manifest.cameras[0].held_out must be true or false"],
    ["rungs", [], "1 to 8 entries"],
    ["rungs.0.codec", "vp9", "one of h264, hevc, av1"],
    ["rungs.0.width", 63n, "odd picture size"],
    ["rungs.0.alpha_y", 33n, "alpha region outside the picture of 64x64"],
    ["rungs.0.alpha_y", 31n, "alpha region over its colour region"],
    ["rungs.0.texture_scale", 2, "manifest.rungs[0].texture_scale"],
    ["rungs.0.cost.draws", 65n, "manifest.rungs[0].cost.draws is 65"],
    ["rungs.0.cost.coverage_p99", -1, "manifest.rungs[0].cost.coverage_p99"],
    ["rungs.0.cost", [], "manifest.rungs[0].cost must be a map"],
    ["sound.sample_rate", 44_100n, "one of 8000, 12000, 16000, 24000, 48000"],
    ["sound.channels", 9n, "manifest.sound.channels"],
    ["colour", "bt2020", "one of bt709"],
    ["background", [0, 0, 2], "manifest.background[2]"],
    ["encoder.x", [], "manifest.encoder.x must be a number"],
    ["stages.0.msi_psnr", 1001, "manifest.stages[0].msi_psnr"],
    ["poster", Uint8Array.of(1), "neither JPEG nor PNG"],
    ["poster", joined(jpeg, new Uint8Array(524_286)), "at most 524288 bytes"],
    ["thumbnails.0.image", new Uint8Array(), "neither JPEG nor PNG"],
    ["thumbnails.0.image", joined(jpeg, new Uint8Array(16_382)), "at most 16384 bytes"],
    ["thumbnails.0.time", [-1n, 1n], "manifest.thumbnails[0].time"],
    ["thumbnails", [thumbnail([0n, 1n]), thumbnail([0n, 1n])], "out of order"],
    ["thumbnails", [thumbnail([1001n, 5000n])], "behind the end"],
    ["thumbnails", Array<Value>(65).fill(thumbnail([0n, 1n])), "0 to 64 entries"],
  ])("%s of %s is refused", (path, value, says) => {
    expect(thrown(() => read(set(path, value))).message).toContain(says);
  });

  test("every key must be there", () => {
    for (const key of goldenManifest().keys()) {
      if (key === "thumbnails") continue;
      expect(thrown(() => read((m) => m.delete(key))).message).toBe(`manifest.${key} is missing`);
    }
  });

  test("a still has no rate", () => {
    const still = read((m) => {
      m.set("frame_rate", null);
      m.set("frame_count", 1n);
    });
    expect(still.frameRate).toBeNull();
  });
});

describe("segments", () => {
  const data = golden("tiny.show");

  /** A chunk's bytes, changed, with the checksums that then are right. */
  function segmentOf(change: (view: DataView, bytes: Uint8Array) => void): { index: ShowIndex; segment: Uint8Array } {
    const { index } = decodeFront(data, "tiny");
    const { offset, length } = index.chunks[1].segments[0];
    const segment = data.slice(offset, offset + length);
    const view = new DataView(segment.buffer);
    change(view, segment);
    const tables = segment.subarray(64, 64 + 20 * 3 + 16 * 2);
    view.setUint32(60, crc32(tables, crc32(segment.subarray(0, 60))), true);
    const entry = index.chunks[1];
    const sealed = { ...entry, segments: [{ offset, length, digest: digest(segment) }] };
    return { index: new ShowIndex([index.chunks[0], sealed]), segment };
  }

  const TIMES = 64;
  const UNITS = TIMES + 36;
  const PACKETS = UNITS + 24;
  const swap = (view: DataView, a: number, b: number) => {
    const [x, y] = [view.getBigInt64(a, true), view.getBigInt64(b, true)];
    view.setBigInt64(a, y, true);
    view.setBigInt64(b, x, true);
  };

  test.each<[string, (view: DataView) => void, string]>([
    ["another magic", (v) => v.setUint8(0, 0), "does not start with its header"],
    ["another version", (v) => v.setUint16(4, 2, true), "version 2"],
    ["a rung that is none", (v) => v.setUint16(6, 8, true), "chunk 1, rung 8"],
    ["another chunk", (v) => v.setUint32(8, 0, true), "another chunk than its index says"],
    ["other first frames", (v) => v.setUint32(12, 4, true), "another chunk than its index says"],
    ["no frames", (v) => v.setUint32(16, 0, true), "0 frames from 3 on"],
    ["1025 frames", (v) => v.setUint32(16, 1025, true), "1025 frames"],
    ["4097 packets", (v) => v.setUint32(20, 4097, true), "4097 sound packets"],
    ["another start", (v) => v.setBigInt64(24, 1007n, true), "frame times outside"],
    ["no duration", (v) => v.setBigInt64(36, 0n, true), "not in lowest terms"],
    ["no geometry", (v) => v.setUint32(48, 0, true), "0 bytes of geometry"],
    ["more geometry", (v) => v.setUint32(48, v.getUint32(48, true) + 1, true), "bytes instead of"],
    ["a huge video", (v) => v.setUint32(52, 2 ** 27, true), "over 134217728"],
    ["times out of order", (v) => v.setUint32(TIMES + 8, v.getUint32(TIMES + 20, true), true), "do not increase"],
    ["a time in no lowest terms", (v) => v.setUint32(TIMES + 8, 0, true), "frame time has denominator 0"],
    ["a unit too long", (v) => v.setUint32(UNITS, 2 ** 31, true), "video units do not fill"],
    [
      "an empty unit",
      (v) => {
        v.setUint32(UNITS + 16, v.getUint32(UNITS + 16, true) + v.getUint32(UNITS + 8, true), true);
        v.setUint32(UNITS + 8, 0, true);
      },
      "empty video unit",
    ],
    ["unknown flags", (v) => v.setUint16(UNITS + 6, 3, true), "unknown flags"],
    ["no key picture", (v) => v.setUint16(UNITS + 6, 0, true), "does not start with the key picture"],
    ["two units of a frame", (v) => v.setUint16(UNITS + 12, 0, true), "not one per frame"],
    ["a frame that is none", (v) => v.setUint16(UNITS + 12, 3, true), "not one per frame"],
    ["sound out of order", (v) => swap(v, PACKETS, PACKETS + 16), "sound"],
    ["sound too early", (v) => v.setBigInt64(PACKETS, -10_001n, true), "sound outside its time"],
    ["packets too short", (v) => v.setUint32(PACKETS + 12, 1, true), "sound packets do not fill"],
  ])("%s: refused", (_, change, says) => {
    const { index, segment } = segmentOf(change);
    const { message } = thrown(() => unpackSegment(index, 1, 0, segment));
    expect(message).toContain(says);
    expect(message).toMatch(/^chunk 1 rung 0: .*\(bytes \d+\.\.\d+\)$/);
  });

  test("wrong checksums and cut ones", () => {
    const { index, segment } = segmentOf(() => {});
    expect(unpackSegment(index, 1, 0, segment).index).toBe(1);
    expect(thrown(() => unpackSegment(index, 1, 0, segment.subarray(1))).message).toContain(
      "chunk 1 rung 0 is cut short",
    );
    segment[70] ^= 1;
    expect(thrown(() => unpackSegment(index, 1, 0, segment)).message).toContain("chunk 1 rung 0 has a wrong checksum");
  });

  test("any bytes give a chunk or one error", () => {
    const next = random(11);
    for (let i = 0; i < 500; i++) {
      const { index, segment } = segmentOf((_, bytes) => {
        for (let j = 0; j < 1 + 2 * next(); j++) bytes[Math.floor(156 * next())] = 256 * next();
      });
      try {
        unpackSegment(index, 1, 0, segment);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    }
  });
});
