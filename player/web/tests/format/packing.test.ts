/** Planes, zigzag and differences are undone exactly. */

import { expect, test } from "vitest";
import { corners32, running16, setBits, tracks16, unzigzag } from "../../src/format/packing.ts";

/** Words -> planes: all lowest bytes, then all second bytes, and so on. */
function planes(words: readonly number[], size: number): Uint8Array {
  return Uint8Array.from({ length: size * words.length }, (_, i) => {
    const plane = Math.floor(i / words.length);
    return (words[i % words.length] >>> (8 * plane)) & 0xff;
  });
}

const zigzag16 = (d: number): number => ((d << 1) ^ (d >> 31)) & 0xffff;
const zigzag32 = (d: number): number => ((d << 1) ^ (d >> 31)) >>> 0;

test("zigzag of small differences", () => {
  expect([0, 1, 2, 3, 4, 65_534, 65_535].map(unzigzag)).toEqual([0, -1, 1, -2, 2, 32_767, -32_768]);
  expect([0xffff_fffe, 0xffff_ffff].map(unzigzag)).toEqual([2 ** 31 - 1, -(2 ** 31)]);
});

test("running words of rows: each minus the row before, modulo 2^16", () => {
  const words = planes([5, 7, -1, 1, 3, -8, 32_767, 1].map(zigzag16), 2);
  expect([...running16(words, 2)]).toEqual([5, 7, 4, 8, 7, 0, 32_774, 1]);
  const wrapping = planes([-1, 2, -2].map(zigzag16), 2);
  expect([...running16(wrapping, 1)]).toEqual([65_535, 1, 65_535]);
  expect([...running16(planes([0x0201, 0x0403], 2), 6)]).toEqual([
    unzigzag(0x0201) & 0xffff,
    unzigzag(0x0403) & 0xffff,
  ]);
  expect(running16(new Uint8Array(), 6)).toHaveLength(0);
});

test("tracks: each frame minus the one before, the first against frame 0", () => {
  const words = planes([1, -1, 2, 0, -3, -1].map(zigzag16), 2);
  expect([...tracks16(words, Uint16Array.of(10, 0))]).toEqual([11, 65_535, 13, 65_535, 10, 65_534]);
  expect(tracks16(new Uint8Array(), new Uint16Array(5))).toHaveLength(0);
});

test("corners: the first against the row before, the others against the one before them", () => {
  const words = planes([100, 1, -2, 5, 0, 1_000_000, -105, 2, 3].map(zigzag32), 4);
  expect([...corners32(words)]).toEqual([100, 101, 99, 105, 105, 1_000_105, 0, 2, 5]);
  expect([...corners32(planes([-1, 0, 1].map(zigzag32), 4))]).toEqual([2 ** 32 - 1, 2 ** 32 - 1, 0]);
});

test("bits, lowest first", () => {
  expect([...setBits(Uint8Array.of(0b1000_0001, 0, 0b10), 3)!]).toEqual([0, 7, 17]);
  expect(setBits(Uint8Array.of(0b1000_0001), 1)).toBeNull();
  expect(setBits(Uint8Array.of(0b1000_0001), 3)).toBeNull();
  expect(setBits(new Uint8Array(), 0)).toHaveLength(0);
});
