/**
 * Strict reading of msgpack documents: every field by name, type and range; errors name the field's path.
 *
 * Unknown keys are ignored (SPEC 1.3), missing ones are errors but where an older minor version lacks them (`has`).
 */

import { FormatError } from "./errors.ts";
import { type Document, type Value, unpack } from "./msgpack.ts";
import { Ratio, commonDivisor, compare } from "./ratio.ts";
import { MAX_SETTINGS, MAX_STAGE_FIGURES, MAX_TEXT } from "./schema.ts";

export type Scalar = string | number | boolean | null;
/** 16 numbers, the rows of a rigid 4x4 matrix. */
export type Pose = readonly number[];

// Control characters (Unicode's Cc: terminals obey them) and halves of characters.
const FORBIDDEN = /[\x00-\x1f\x7f-\x9f\ud800-\udfff]/u;

const RIGID = 1e-4;

/** The map that the bytes are; no list or map has more than `maxItems` entries. Throws FormatError. */
export function unpackDocument(
  data: Uint8Array,
  name: string,
  limits: { maxBytes: number; maxItems?: number },
): Fields {
  if (data.length > limits.maxBytes) {
    throw new FormatError(`${name} has ${data.length} bytes; at most ${limits.maxBytes} are allowed`);
  }
  const items = limits.maxItems ?? MAX_STAGE_FIGURES;
  return new Fields(map(unpack(data, { items, keys: Math.min(items, MAX_SETTINGS) }, name), name), name);
}

/** A finite number in [low, high]. */
export function real(value: Value, path: string, low = -Infinity, high = Infinity): number {
  if (typeof value !== "number" && typeof value !== "bigint") throw new FormatError(`${path} must be a number`);
  const out = Number(value);
  if (!Number.isFinite(out) || out < low || out > high) {
    throw new FormatError(`${path} is ${out}; it must be finite and in [${low}, ${high}]`);
  }
  return out;
}

/** An integer in [low, high], both of which a double holds exactly. */
export function integer(value: Value, path: string, low: number, high: number): number {
  if (typeof value !== "bigint") throw new FormatError(`${path} must be an integer`);
  if (value < low || value > high) throw new FormatError(`${path} is ${value}; it must be in [${low}, ${high}]`);
  return Number(value);
}

/** As much of a text as `text` takes, with "?" for each character that it refuses. */
export function printable(value: string): string {
  return [...value]
    .slice(0, MAX_TEXT)
    .map((character) => (FORBIDDEN.test(character) ? "?" : character))
    .join("");
}

/** A text of at most MAX_TEXT characters without control characters. */
export function text(value: Value, path: string, empty = true): string {
  if (typeof value !== "string") throw new FormatError(`${path} must be a text`);
  // A character may be two of a string's units.
  if ((value.length > MAX_TEXT && [...value].length > MAX_TEXT) || FORBIDDEN.test(value)) {
    throw new FormatError(`${path} is longer than ${MAX_TEXT} characters or holds control characters`);
  }
  if (!value && !empty) throw new FormatError(`${path} must not be empty`);
  return value;
}

function map(value: Value, path: string): Document {
  if (!(value instanceof Map)) throw new FormatError(`${path} must be a map`);
  return value;
}

/** A map of a document with its path, read field by field. Every method throws FormatError. */
export class Fields {
  constructor(
    private readonly values: Document,
    readonly path: string,
  ) {}

  /** The same map by another name. */
  called(path: string): Fields {
    return new Fields(this.values, path);
  }

  /** Whether the key is there, for those that older minor versions lack. */
  has(key: string): boolean {
    return this.values.has(key);
  }

  get(key: string): Value {
    const value = this.values.get(key);
    if (value === undefined) throw new FormatError(`${this.path}.${key} is missing`);
    return value;
  }

  name(key: string): string {
    return `${this.path}.${key}`;
  }

  integer(key: string, low: number, high: number): number {
    return integer(this.get(key), this.name(key), low, high);
  }

  /** `infinite` admits +Infinity besides the range. */
  real(key: string, low: number, high: number, infinite = false): number {
    const value = this.get(key);
    return infinite && value === Infinity ? Infinity : real(value, this.name(key), low, high);
  }

  text(key: string, empty = true): string {
    return text(this.get(key), this.name(key), empty);
  }

  choice<T extends string>(key: string, choices: readonly T[]): T {
    const value = this.text(key);
    const found = choices.find((choice) => choice === value);
    if (found === undefined) {
      throw new FormatError(`${this.name(key)} is '${value}'; it must be one of ${choices.join(", ")}`);
    }
    return found;
  }

  flag(key: string): boolean {
    const value = this.get(key);
    if (typeof value !== "boolean") throw new FormatError(`${this.name(key)} must be true or false`);
    return value;
  }

  /** A view. */
  blob(key: string, most: number): Uint8Array {
    const value = this.get(key);
    if (!(value instanceof Uint8Array) || value.length > most) {
      throw new FormatError(`${this.name(key)} must be at most ${most} bytes`);
    }
    return value;
  }

  items(key: string, least: number, most: number): Value[] {
    const value = this.get(key);
    if (!Array.isArray(value) || value.length < least || value.length > most) {
      throw new FormatError(`${this.name(key)} must be a list of ${least} to ${most} entries`);
    }
    return value;
  }

  numbers(key: string, least: number, most: number, low = -Infinity, high = Infinity): number[] {
    return this.items(key, least, most).map((value, i) => real(value, `${this.name(key)}[${i}]`, low, high));
  }

  /** [numerator, denominator] in lowest terms, in [low, high], or in (low, high] where `open`. */
  fraction(key: string, low: number, high: number, open = false): Ratio {
    const [numerator, denominator] = this.items(key, 2, 2);
    if (typeof numerator !== "bigint" || typeof denominator !== "bigint") {
      throw new FormatError(`${this.name(key)} must be two integers`);
    }
    const out = new Ratio(numerator, denominator);
    const magnitude = numerator < 0n ? -numerator : numerator;
    const lowest =
      denominator >= 1n &&
      denominator < 1n << 32n &&
      magnitude <= 1n << 62n &&
      commonDivisor(magnitude, denominator) === 1n;
    const above = compare(out, new Ratio(BigInt(low), 1n));
    if (!lowest || above < 0 || (open && above === 0) || compare(out, new Ratio(BigInt(high), 1n)) > 0) {
      throw new FormatError(
        `${this.name(key)} must be a fraction in lowest terms in ${open ? "(" : "["}${low}, ${high}]`,
      );
    }
    return out;
  }

  pose(key: string): Pose {
    const m = this.numbers(key, 16, 16, -1e9, 1e9);
    if (!isRigid(m)) throw new FormatError(`${this.name(key)} is not a rigid pose`);
    return m;
  }

  map(key: string): Fields {
    return new Fields(map(this.get(key), this.name(key)), this.name(key));
  }

  maps(key: string, least: number, most: number): Fields[] {
    return this.items(key, least, most).map((value, i) => {
      const path = `${this.name(key)}[${i}]`;
      return new Fields(map(value, path), path);
    });
  }

  /** A map of texts to texts, numbers, booleans or nothing, sorted by key. */
  scalars(key: string, most: number): ReadonlyMap<string, Scalar> {
    const values = map(this.get(key), this.name(key));
    if (values.size > most) throw new FormatError(`${this.name(key)} has more than ${most} entries`);
    const out = new Map<string, Scalar>();
    for (const name of [...values.keys()].sort()) {
      const path = `${this.name(key)}.${text(name, this.name(key), false)}`;
      const value = values.get(name)!;
      if (value === null || typeof value === "boolean") out.set(name, value);
      else out.set(name, typeof value === "string" ? text(value, path) : real(value, path));
    }
    return out;
  }
}

function isRigid(m: readonly number[]): boolean {
  // Rows of the rotation.
  const a = [m[0], m[1], m[2]] as const;
  const b = [m[4], m[5], m[6]] as const;
  const c = [m[8], m[9], m[10]] as const;
  const near = (value: number, wanted: number) => Math.abs(value - wanted) <= RIGID + 1e-5 * wanted;
  const orthonormal =
    near(dot(a, a), 1) &&
    near(dot(b, b), 1) &&
    near(dot(c, c), 1) &&
    near(dot(a, b), 0) &&
    near(dot(a, c), 0) &&
    near(dot(b, c), 0);
  const handed =
    a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0]) > 0;
  return orthonormal && handed && m[12] === 0 && m[13] === 0 && m[14] === 0 && m[15] === 1;
}

function dot(a: readonly [number, number, number], b: readonly [number, number, number]): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
