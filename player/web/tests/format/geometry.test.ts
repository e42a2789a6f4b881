/** Geometry: the arrays that were packed, by exact values; and every law of SPEC 6, broken one by one. */

import { beforeAll, expect, test } from "vitest";
import { decodeFront, unpackGeometry, unpackSegment } from "../../src/format/container.ts";
import { prepareDigest } from "../../src/format/digest.ts";
import { FormatError } from "../../src/format/errors.ts";
import { type GeometryBounds, decodeGeometry } from "../../src/format/geometry.ts";
import { GEOMETRY_MAGIC } from "../../src/format/schema.ts";
import { golden, joined, random } from "../shows.ts";

beforeAll(prepareDigest);

const BOUNDS: GeometryBounds = {
  layerCount: 1,
  frameCount: 3,
  gridWidth: 32,
  gridHeight: 16,
  atlasWidth: 64,
  atlasHeight: 32,
};

/** A layer as rows of small numbers, before planes and zigzag: differences as they stand in SPEC 6.3. */
interface Layer {
  points: number[];
  base: number[];
  moving: number[];
  tracks: number[];
  rects: number[];
  corners: number[];
  triangleRect: number[];
}

// Two triangles in one rect of 16x16; point 2 moves by 1, then by -3.
const LAYER: Layer = {
  points: [0, 0, 16, 0, -16, 16, 16, 0],
  base: [0, -1, 11, 20],
  moving: [0b0100],
  tracks: [1, -3],
  rects: [0, 0, 16, 16, 5, 6],
  corners: [0, 2, -1, 1, 1, 1],
  triangleRect: [0, 0],
};

function planes(words: readonly number[], size: 2 | 4): Uint8Array {
  const coded = words.map((d) => ((d << 1) ^ (d >> 31)) >>> 0);
  return Uint8Array.from(
    { length: size * words.length },
    (_, i) => coded[i % words.length] >>> (8 * Math.floor(i / words.length)),
  );
}

function body(layer: Layer): Uint8Array {
  const { points, base, moving, tracks, rects, corners, triangleRect } = layer;
  return joined(
    planes(points, 2),
    planes(base, 2),
    Uint8Array.from(moving),
    planes(tracks, 2),
    planes(rects, 2),
    planes(corners, 4),
    planes(triangleRect, 2),
  );
}

/** One zstd frame of raw blocks. */
function frame(data: Uint8Array): Uint8Array {
  const head = new Uint8Array(9 + 3);
  head.set([0x28, 0xb5, 0x2f, 0xfd, 0xa0]);
  new DataView(head.buffer).setUint32(5, data.length, true);
  new DataView(head.buffer).setUint16(9, (data.length << 3) | 1, true);
  return joined(head, data);
}

function encoded(layer: Layer, change: (table: DataView) => void = () => {}): Uint8Array {
  const table = new Uint8Array(36);
  const view = new DataView(table.buffer);
  table.set(GEOMETRY_MAGIC);
  [1, 1, 3].forEach((value, i) => view.setUint16(4 + 2 * i, value, true));
  const counts = [layer.points.length / 2, layer.tracks.length / 2, layer.corners.length / 3, layer.rects.length / 6];
  counts.forEach((value, i) => view.setUint32(12 + 4 * i, value, true));
  view.setFloat32(28, 0.25, true);
  view.setFloat32(32, 2, true);
  change(view);
  return joined(table, frame(body(layer)));
}

test("a layer is what was packed", () => {
  const { layers, frameCount } = decodeGeometry(encoded(LAYER), BOUNDS);
  expect(frameCount).toBe(3);
  expect(layers).toEqual([
    {
      points: Uint16Array.of(0, 0, 16, 0, 0, 16, 16, 16),
      base: Uint16Array.of(0, 65_535, 10, 30),
      moving: Uint32Array.of(2),
      steps: Uint16Array.of(11, 8),
      low: 0.25,
      high: 2,
      rects: Uint16Array.of(0, 0, 16, 16, 5, 6),
      triangles: Uint32Array.of(0, 2, 1, 1, 2, 3),
      triangleRect: Uint16Array.of(0, 0),
    },
  ]);
});

test.each(["tiny.show", "tiny_1_0.show"])("%s holds what the examples say", (name) => {
  const data = golden(name);
  const { manifest, index } = decodeFront(data, name);
  index.chunks.forEach((entry, number) => {
    const { offset, length } = entry.segments[0];
    const chunk = unpackSegment(index, number, 0, data.subarray(offset, offset + length));
    const { layers } = unpackGeometry(manifest, index, chunk);
    const far = layers[0];
    expect(layers).toHaveLength(2);
    layers.forEach((layer, i) => {
      expect([...layer.points]).toEqual([0, 0, 16, 0, 32, 0, 0, 16, 16, 16, 32, 16]);
      expect([...layer.triangles]).toEqual([0, 3, 1, 1, 3, 4, 1, 4, 2, 2, 4, 5]);
      expect([...layer.triangleRect]).toEqual([0, 0, 1, 1]);
      expect([...layer.rects]).toEqual([0, 0, 16, 16, 0, 16 * i, 16, 0, 16, 16, 16, 16 * i]);
      expect(layer.base[1]).toBe(65_535);
    });
    expect([far.low, far.high, far.moving.length]).toEqual([0.25, 0.375, 0]);
    const near = layers[1];
    expect([near.low, near.high]).toEqual([1, 1.5]);
    // The last point moves by 0.1 1/m a frame, of which 0.5 are 65535 steps.
    expect([...near.moving]).toEqual([5]);
    expect([...near.steps]).toEqual([13_107, 26_214]);
  });
});

const layer = (changes: Partial<Layer>): Layer => ({ ...LAYER, ...changes });

test.each<[string, Layer, string]>([
  ["a point right of the grid", layer({ points: [0, 0, 33, 0, -33, 16, 16, 0] }), "outside the grid of 32x16"],
  ["a point below the grid", layer({ points: [0, 0, 16, 0, -16, 17, 16, 0] }), "outside the grid of 32x16"],
  ["an empty rect", layer({ rects: [0, 0, 0, 16, 5, 6] }), "is empty or outside the grid"],
  ["a rect right of the grid", layer({ rects: [20, 0, 16, 16, 5, 6] }), "is empty or outside the grid"],
  ["a rect outside the atlas", layer({ rects: [0, 0, 16, 16, 49, 6] }), "outside the atlas of 64x32"],
  ["a rect below the atlas", layer({ rects: [0, 0, 16, 16, 0, 17] }), "outside the atlas of 64x32"],
  ["a corner that is no point", layer({ corners: [0, 2, -1, 1, 1, 2] }), "with point 4 of 4"],
  ["a corner before the first", layer({ corners: [-1, 2, -1, 1, 1, 1] }), "with point 4294967295 of 4"],
  ["a rect that does not exist", layer({ triangleRect: [0, 1] }), "in rect 1 of 1"],
  ["a triangle outside its rect", layer({ rects: [0, 0, 15, 16, 5, 6] }), "leaves its rect"],
  ["too few moving points", layer({ moving: [0] }), "other moving points than the 1"],
  ["too many moving points", layer({ moving: [3] }), "other moving points than the 1"],
  ["a moving point behind the last", layer({ moving: [16] }), "other moving points than the 1"],
])("%s is refused", (_, bad, says) => {
  expect(() => decodeGeometry(encoded(bad), BOUNDS)).toThrow(FormatError);
  expect(() => decodeGeometry(encoded(bad), BOUNDS)).toThrow(says);
});

test.each<[string, (table: DataView) => void, string]>([
  ["another magic", (t) => t.setUint8(0, 0), "does not start with its header"],
  ["another version", (t) => t.setUint16(4, 2, true), "has version 2"],
  ["no layers", (t) => t.setUint16(6, 0, true), "0 layers of 3 frames"],
  ["65 layers", (t) => t.setUint16(6, 65, true), "65 layers"],
  ["two layers", (t) => t.setUint16(6, 2, true), "the show says 1 of 3"],
  ["a table that is cut", (t) => t.setUint16(6, 60, true), "ends inside its layer table"],
  ["1025 frames", (t) => t.setUint16(8, 1025, true), "1025 frames"],
  ["other frames than the chunk", (t) => t.setUint16(8, 2, true), "the show says 1 of 3"],
  ["reserved bits", (t) => t.setUint16(10, 1, true), "does not start with its header"],
  ["too many points", (t) => t.setUint32(12, 2 ** 20 + 1, true), "too many"],
  ["too many triangles", (t) => t.setUint32(20, 2 ** 21 + 1, true), "too many"],
  ["too many rects", (t) => t.setUint32(24, 65_536, true), "too many"],
  ["more moving points than points", (t) => t.setUint32(16, 5, true), "5 moving points of 4"],
  ["a range that is upside down", (t) => t.setFloat32(28, 3, true), "disparity range 3 to 2"],
  ["a negative disparity", (t) => t.setFloat32(28, -1, true), "disparity range"],
  ["an infinite disparity", (t) => t.setFloat32(32, Infinity, true), "disparity range"],
  ["no number", (t) => t.setFloat32(28, NaN, true), "disparity range"],
  ["another size than its arrays have", (t) => t.setUint32(20, 3, true), "declares another size"],
])("%s is refused", (_, change, says) => {
  expect(() => decodeGeometry(encoded(LAYER, change), BOUNDS)).toThrow(FormatError);
  expect(() => decodeGeometry(encoded(LAYER, change), BOUNDS)).toThrow(says);
});

test("what would take too much memory is refused before it is unpacked", () => {
  const many = { ...BOUNDS, frameCount: 1024 };
  const frames = (table: DataView) => {
    table.setUint16(8, 1024, true);
    table.setUint32(12, 2 ** 20, true);
  };
  expect(() => decodeGeometry(encoded(LAYER, frames), many)).toThrow("more than 67108864 disparities");
  const tracks = (table: DataView) => {
    table.setUint16(8, 1024, true);
    table.setUint32(12, 65_536, true);
    table.setUint32(16, 65_536, true);
  };
  expect(() => decodeGeometry(encoded(LAYER, tracks), many)).toThrow("unpacks to more than 134217728 bytes");
});

test("a still has no moving points", () => {
  const still = layer({ moving: [0], tracks: [] });
  const one = (table: DataView) => table.setUint16(8, 1, true);
  const bounds = { ...BOUNDS, frameCount: 1 };
  expect(decodeGeometry(encoded(still, one), bounds).layers[0].steps).toHaveLength(0);
  const moving = (table: DataView) => {
    one(table);
    table.setUint32(16, 1, true);
  };
  expect(() => decodeGeometry(encoded(LAYER, moving), bounds)).toThrow("1 moving points of 4");
});

test("any bytes give geometry within its bounds or one error", () => {
  const next = random(9);
  const data = encoded(LAYER);
  for (let i = 0; i < 2000; i++) {
    const changed = data.slice(0, next() < 0.2 ? Math.floor(data.length * next()) : data.length);
    for (let j = 0; j < 3 * next(); j++) changed[Math.floor(changed.length * next())] = 256 * next();
    try {
      for (const found of decodeGeometry(changed, BOUNDS).layers) {
        expect(Math.max(...found.triangles)).toBeLessThan(found.points.length / 2);
      }
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
    }
  }
});
