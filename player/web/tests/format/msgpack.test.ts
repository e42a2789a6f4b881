/** One strict value: integers apart from floats, nothing twice, nothing that is declared and not there. */

import { expect, test } from "vitest";
import { FormatError } from "../../src/format/errors.ts";
import { type Value, pack, unpack } from "../../src/format/msgpack.ts";
import { random } from "../shows.ts";

const CAPS = { items: 100, keys: 20 };
const hex = (data: Uint8Array): string => Buffer.from(data).toString("hex");
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
const read = (text: string): Value => unpack(bytes(text), CAPS, "document");

test.each<[Value, string]>([
  [null, "c0"],
  [true, "c3"],
  [false, "c2"],
  [0n, "00"],
  [127n, "7f"],
  [128n, "cc80"],
  [256n, "cd0100"],
  [65_536n, "ce00010000"],
  [4_294_967_296n, "cf0000000100000000"],
  [(1n << 64n) - 1n, "cfffffffffffffffff"],
  [-1n, "ff"],
  [-32n, "e0"],
  [-33n, "d0df"],
  [-129n, "d1ff7f"],
  [-32_769n, "d2ffff7fff"],
  [-2_147_483_649n, "d3ffffffff7fffffff"],
  [1, "cb3ff0000000000000"],
  [Infinity, "cb7ff0000000000000"],
  ["é", "a2c3a9"],
  ["x".repeat(32), `d920${"78".repeat(32)}`],
  [Uint8Array.of(1, 2), "c4020102"],
  [[1n, [2n]], "920191 02"],
  [new Map<string, Value>([["a", 1n]]), "81a161 01"],
])("%s has one form", (value, form) => {
  expect(hex(pack(value))).toBe(form.replaceAll(" ", ""));
  expect(read(form)).toEqual(value);
});

test("longer forms are read as well", () => {
  expect(read("cd0001")).toBe(1n);
  expect(read("d30000000000000001")).toBe(1n);
  expect(read("ca3f800000")).toBe(1);
  expect(read("db00000001 61")).toBe("a");
  expect(read("dd00000001 c0")).toEqual([null]);
  expect(read("df00000001 a161 c0")).toEqual(new Map([["a", null]]));
});

test.each([
  ["", "ends too early"],
  ["c1", "begins nothing"],
  ["8101 02", "key is no text"],
  ["81c401 61 02", "key is no text"],
  ["82a161 01 a161 02", "stands twice"],
  ["c70005", "begins nothing"], // an extension type
  ["d6ff00000000", "begins nothing"], // a timestamp
  ["a1ff", "not UTF-8"],
  ["a3eda080", "not UTF-8"], // half of a character
  ["91".repeat(100) + "01", "too deep"],
  ["dd ffffffff", "4294967295 entries"],
  ["df ffffffff", "4294967295 entries"],
  ["c6 ffffffff", "ends too early"],
  ["db ffffffff", "4294967295 bytes"],
  ["dc0065", "101 entries"],
  ["de0015", "21 entries"],
  ["0000", "something follows"],
  ["cf00000000", "ends too early"],
])("%s is refused", (form, says) => {
  expect(() => read(form)).toThrow(FormatError);
  expect(() => read(form)).toThrow(says);
});

test("any bytes give a value or one error", () => {
  const next = random(3);
  for (let i = 0; i < 3000; i++) {
    const data = Uint8Array.from({ length: Math.floor(40 * next()) }, () => 256 * next());
    try {
      unpack(data, CAPS, "document");
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
    }
  }
});

test("integers without a form are refused", () => {
  expect(() => pack(1n << 64n)).toThrow(FormatError);
});
