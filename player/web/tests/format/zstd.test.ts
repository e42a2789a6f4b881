/** zstd frames of the reference library are unpacked, and hostile ones refused, soon and before anything is allocated. */

import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { FormatError } from "../../src/format/errors.ts";
import { decompress } from "../../src/format/zstd/frame.ts";
import { PYTHON } from "../served.ts";
import { joined, random } from "../shows.ts";

// Levels with and without checksum and content size; random, repetitive, sparse and skewed bytes of many sizes.
const MAKE = `
import random, sys, zstandard
rng = random.Random(7)
out = open(sys.argv[1], "wb")
def text(n): return b"".join(rng.choice([b"light", b"field", b"mesh ", b"\\0\\0\\0", bytes([rng.randrange(256)])]) for _ in range(n // 4))[:n]
def skewed(n): return bytes(min(int(rng.expovariate(0.3)), 255) for _ in range(n))
def runs(n): return b"".join(bytes([rng.randrange(4)]) * rng.randrange(1, 700) for _ in range(1 + n // 350))[:n]
for kind in (rng.randbytes, text, skewed, runs, bytes):
    for size in (0, 1, 5, 60, 256, 300, 5000, 66000, 300000):
        for level in (-5, 1, 3, 9, 19) if size < 100000 else (1, 9):
            data = kind(size)
            frame = zstandard.ZstdCompressor(level=level, write_checksum=level > 1).compress(data)
            out.write(len(frame).to_bytes(4, "little") + len(data).to_bytes(4, "little") + frame + data)
`;
const MAX_WINDOW = 1 << 23;

let cases: { frame: Uint8Array; data: Uint8Array }[];

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), "lfv-web-"));
  const path = join(folder, "frames");
  execFileSync(PYTHON, ["-c", MAKE, path]);
  const bytes = new Uint8Array(readFileSync(path));
  rmSync(folder, { recursive: true });
  const view = new DataView(bytes.buffer);
  cases = [];
  for (let at = 0; at < bytes.length;) {
    const [packed, size] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    const start = at + 8;
    at = start + packed + size;
    cases.push({ frame: bytes.slice(start, start + packed), data: bytes.slice(start + packed, at) });
  }
}, 30_000);

function unpacked(frame: Uint8Array, size: number, maxWindow = MAX_WINDOW): Uint8Array {
  return decompress(frame, { size, maxWindow, name: "x" });
}

test("what the reference library packs is unpacked", () => {
  expect(cases.length).toBeGreaterThan(180);
  for (const { frame, data } of cases) {
    expect(Buffer.compare(unpacked(frame, data.length), data)).toBe(0);
  }
});

test("frames that are cut, longer, or declare another size are refused", () => {
  for (const { frame, data } of cases.filter((one) => one.frame.length < 3000)) {
    const bad = [frame.subarray(0, -1), frame.subarray(0, 5), joined(frame, Uint8Array.of(0)), joined(frame, frame)];
    for (const other of bad) expect(() => unpacked(other, data.length)).toThrow(FormatError);
    expect(() => unpacked(frame, data.length + 1)).toThrow("declares another size");
  }
});

test("any change gives bytes of the right size or one error, and never takes long", () => {
  const next = random(5);
  const small = cases.filter((one) => one.frame.length > 12 && one.frame.length < 3000);
  const began = process.cpuUsage().user;
  for (let i = 0; i < 1500; i++) {
    const { frame, data } = small[Math.floor(small.length * next())];
    const changed = frame.slice();
    for (let j = 0; j < 1 + 3 * next(); j++) changed[Math.floor(changed.length * next())] = 256 * next();
    try {
      expect(unpacked(changed, data.length)).toHaveLength(data.length);
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
    }
  }
  expect(process.cpuUsage().user - began).toBeLessThan(20e6);
});

const HEAD = [0x28, 0xb5, 0x2f, 0xfd];

test("bombs are refused before anything is allocated", () => {
  const declaring = (size: bigint) => {
    const bytes = new Uint8Array(16);
    bytes.set([...HEAD, 0xe0]);
    new DataView(bytes.buffer).setBigUint64(5, size, true);
    bytes[13] = 1;
    return bytes;
  };
  expect(() => unpacked(declaring(1n << 40n), 100)).toThrow("declares another size than the 100 bytes");
  expect(() => unpacked(declaring((1n << 64n) - 1n), 100)).toThrow("declares another size");
  expect(() => unpacked(declaring(1n << 40n), 2 ** 40)).toThrow("larger window than 8388608 bytes");
});

test.each([
  ["no frame", [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4], "is not a zstd frame"],
  ["without a size", [...HEAD, 0x00, 0x58, 1, 0, 0], "declares another size"],
  ["a dictionary", [...HEAD, 0x21, 7, 4, 1, 0, 0], "a dictionary"],
  ["a reserved bit", [...HEAD, 0x28, 4, 1, 0, 0], "a reserved bit"],
  ["a reserved kind of block", [...HEAD, 0x20, 4, 7, 0, 0], "an impossible block"],
  ["a block larger than the window", [...HEAD, 0x20, 4, 0x29, 0, 0, 1, 2, 3, 4, 5], "an impossible block"],
  ["one more byte than declared", [...HEAD, 0x20, 4, 0x18, 0, 0, 1, 2, 3, 0x13, 0, 0, 9], "more than 4 bytes"],
  ["a byte less than declared", [...HEAD, 0x20, 4, 0x19, 0, 0, 1, 2, 3], "3 bytes instead of 4"],
  ["no last block", [...HEAD, 0x20, 4, 0x20, 0, 0, 1, 2, 3, 4], "is cut short"],
])("%s is refused", (_, frame, says) => {
  expect(() => unpacked(Uint8Array.from(frame), 4)).toThrow(says);
});

test("raw and repeated blocks", () => {
  expect([...unpacked(Uint8Array.of(...HEAD, 0x20, 4, 0x10, 0, 0, 1, 2, 0x13, 0, 0, 9), 4)]).toEqual([1, 2, 9, 9]);
});

test("a code of weights that never ends is refused", () => {
  // All states of the weights' code mean symbol 0 and take no bits: an unguarded decoder would go on for ever.
  const code = [0xf0, 0x03, 0, 0, 1]; // accuracy 5, all 32 states for symbol 0; then 16 bits, of which 10 are used
  const literals = [0x42, 0x00, 0x00, code.length, ...code];
  literals[1] = (literals.length - 3) << 6;
  literals[2] = (literals.length - 3) >> 2;
  const block = [...literals, 0];
  const frame = [...HEAD, 0x20, 100, (block.length << 3) | 5, 0, 0, ...block];
  expect(() => unpacked(Uint8Array.from(frame), 100)).toThrow("too many or too long words");
});
