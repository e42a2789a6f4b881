/** Texels become directions by the formula of SPEC 4.3. */

import { expect, test } from "vitest";
import { FormatError } from "../../src/format/errors.ts";
import { Fields } from "../../src/format/fields.ts";
import type { Value } from "../../src/format/msgpack.ts";
import { readProjection, writeDirections } from "../../src/format/projection.ts";

const SPHERE = { kind: "sphere", width: 628, height: 100, left: -Math.PI, top: 0.5, density: 100, wraps: false };
const PLANE = { kind: "plane", width: 32, height: 16, left: -1, top: 0.5, density: 16, wraps: false };

function read(values: Record<string, Value | number>, changes: Record<string, Value> = {}) {
  const all = Object.entries({ ...values, ...changes }).map(([key, value]): [string, Value] => [
    key,
    (key === "width" || key === "height") && typeof value === "number" ? BigInt(value) : value,
  ]);
  return readProjection(new Fields(new Map(all), "projection"));
}

test("planes: (a, b, -1)", () => {
  const out = new Float32Array(6);
  writeDirections(read(PLANE), Uint16Array.of(0, 0, 24, 16), out);
  expect([...out]).toEqual([-1, 0.5, -1, 0.5, -0.5, -1]);
});

test("spheres: longitude and latitude, in doubles", () => {
  const out = new Float64Array(9);
  writeDirections(read(SPHERE), Float32Array.of(0, 50, 314, 50, 100, 20), out);
  const [a, b] = [-Math.PI + 1, 0.3];
  expect([...out.subarray(0, 3)]).toEqual([Math.sin(-Math.PI), 0, -Math.cos(-Math.PI)]);
  expect([...out.subarray(3, 6)]).toEqual([Math.sin(-Math.PI + 3.14), 0, -Math.cos(-Math.PI + 3.14)]);
  expect(out[6]).toBeCloseTo(Math.sin(a) * Math.cos(b), 15);
  expect(out[7]).toBeCloseTo(Math.sin(b), 15);
  expect(out[8]).toBeCloseTo(-Math.cos(a) * Math.cos(b), 15);
});

test.each<[Record<string, Value>, string]>([
  [{ kind: "cube" }, "must be one of sphere, plane"],
  [{ width: 0n }, "width"],
  [{ width: 629n }, "at most one turn"],
  [{ wraps: true }, "wraps exactly one"],
  [{ top: 1.6 }, "beyond the poles"],
  [{ height: 250n }, "beyond the poles"],
  [{ density: 0 }, "density"],
])("a sphere with %o is refused", (changes, says) => {
  expect(() => read(SPHERE, changes)).toThrow(FormatError);
  expect(() => read(SPHERE, changes)).toThrow(says);
});

test("planes do not wrap", () => {
  expect(() => read(PLANE, { wraps: true })).toThrow("must be false for planes");
});
