/** Documents from outside are read strictly, and errors name the field. */

import { expect, test } from "vitest";
import { FormatError } from "../../src/format/errors.ts";
import { Fields, printable, unpackDocument } from "../../src/format/fields.ts";
import { type Value, pack } from "../../src/format/msgpack.ts";
import { Ratio } from "../../src/format/ratio.ts";

const map = (values: Record<string, Value>): Map<string, Value> => new Map(Object.entries(values));
const fields = (value: Value): Fields => new Fields(map({ a: value }), "m");

test("errors name the path", () => {
  const f = new Fields(map({ a: map({ b: [map({ c: "x" })] }) }), "manifest");
  const [entry] = f.map("a").maps("b", 0, 3);
  expect(() => entry.integer("c", 0, 1)).toThrow(/^manifest\.a\.b\[0\]\.c must be an integer$/);
  expect(() => entry.text("d")).toThrow(/^manifest\.a\.b\[0\]\.d is missing$/);
  expect(entry.has("c")).toBe(true);
  expect(entry.has("d")).toBe(false);
});

test.each<Value>([true, "1", null, NaN, Infinity, -1, 11, 10n ** 400n, [1]])("%s is no number in 0 to 10", (value) => {
  expect(() => fields(value).real("a", 0, 10)).toThrow(FormatError);
});

test("numbers may be integers or floats, integers not", () => {
  expect(fields(3n).real("a", 0, 10)).toBe(3);
  expect(fields(3.5).real("a", 0, 10)).toBe(3.5);
  expect(fields(3n).integer("a", 0, 10)).toBe(3);
  expect(() => fields(3).integer("a", 0, 10)).toThrow("must be an integer");
  expect(() => fields(11n).integer("a", 0, 10)).toThrow("m.a is 11; it must be in [0, 10]");
});

test("infinity only where it is meant", () => {
  expect(fields(Infinity).real("a", 0, 10, true)).toBe(Infinity);
  expect(() => fields(-Infinity).real("a", 0, 10, true)).toThrow(FormatError);
});

test.each<Value>([[2n, 4n], [1n, 0n], [1n, -1n], [1, 2n], [1n], [1n, 1n << 32n], [0n, 1n], [101n, 1n], "1/2"])(
  "%s is no fraction in (0, 100]",
  (value) => {
    expect(() => fields(value).fraction("a", 0, 100, true)).toThrow(FormatError);
  },
);

test("fractions are exact", () => {
  expect(fields([100n, 1n]).fraction("a", 0, 100, true)).toEqual(new Ratio(100n, 1n));
  expect(fields([0n, 1n]).fraction("a", 0, 100)).toEqual(new Ratio(0n, 1n));
  expect(() => fields([-1n, 2n]).fraction("a", 0, 100)).toThrow("in [0, 100]");
  const large = [(1n << 62n) - 1n, 1n << 30n] as Value[];
  expect(fields(large).fraction("a", 0, 2 ** 32).numerator).toBe((1n << 62n) - 1n);
});

test.each(["a\nb", "\x00", "\x1b[31m", "\x7f", "\x9b", "x".repeat(1025)])("texts cannot steer a terminal", (text) => {
  expect(() => fields(text).text("a")).toThrow(FormatError);
});

test("characters count, not their halves", () => {
  expect(fields("😀".repeat(1024)).text("a")).toHaveLength(2048);
  expect(() => fields("😀".repeat(1025)).text("a")).toThrow(FormatError);
  expect(printable("a\nb\ud800😀")).toBe("a?b?😀");
  expect(printable("x".repeat(2000))).toHaveLength(1024);
});

test("poses are rigid", () => {
  const identity = [1, 0, 0, 5, 0, 1, 0, 6, 0, 0, 1, 7, 0, 0, 0, 1];
  expect(fields(identity).pose("a")).toEqual(identity);
  const turned = [0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  expect(fields(turned).pose("a")).toEqual(turned);
  const [scaled, mirrored, projective, skewed] = [[...identity], [...identity], [...identity], [...identity]];
  scaled[0] = 1.001;
  mirrored[0] = -1;
  projective[12] = 1e-9;
  skewed[1] = 0.01;
  for (const bad of [scaled, mirrored, projective, skewed, identity.slice(1)]) {
    expect(() => fields(bad).pose("a")).toThrow(FormatError);
  }
});

test("settings are sorted scalars", () => {
  const settings = map({ z: 1n, a: "x", m: null, b: 2.5, t: true });
  expect([...fields(settings).scalars("a", 5)]).toEqual([
    ["a", "x"],
    ["b", 2.5],
    ["m", null],
    ["t", true],
    ["z", 1],
  ]);
  expect(() => fields(settings).scalars("a", 4)).toThrow("more than 4");
  expect(() => fields(map({ "": 1n })).scalars("a", 4)).toThrow("must not be empty");
  expect(() => fields(map({ a: [] })).scalars("a", 4)).toThrow("m.a.a must be a number");
});

test("a document is one map within its limits", () => {
  expect(() => unpackDocument(pack([1n]), "message", { maxBytes: 9 })).toThrow("message must be a map");
  expect(() => unpackDocument(new Uint8Array(10), "message", { maxBytes: 9 })).toThrow("has 10 bytes");
  const many = pack(map({ a: Array<Value>(65).fill(null) }));
  expect(() => unpackDocument(many, "message", { maxBytes: 100, maxItems: 64 })).toThrow("65 entries");
});
