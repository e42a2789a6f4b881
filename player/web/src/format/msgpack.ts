/**
 * msgpack, as strict as a document from outside needs it: no key twice, no extension type, nothing declared that is not
 * there, and integers kept apart from floats. Integers are bigints, floats numbers, maps Maps.
 */

import { FormatError } from "./errors.ts";
import { MAX_TEXT } from "./schema.ts";

export type Value = null | boolean | bigint | number | string | Uint8Array | Value[] | Document;
export type Document = Map<string, Value>;

/** How many entries a list and a map may have. */
export interface Caps {
  readonly items: number;
  readonly keys: number;
}

const MAX_TEXT_BYTES = 4 * MAX_TEXT;
// Documents of the format nest four deep; unknown keys of newer versions may nest somewhat deeper.
const MAX_DEPTH = 32;

/** The one value that the bytes are. Throws FormatError. */
export function unpack(data: Uint8Array, caps: Caps, name: string): Value {
  const reader = new Reader(data, caps, name);
  const value = reader.value(0);
  if (reader.position !== data.length) throw reader.error("something follows it");
  return value;
}

/** Same value, same bytes: the shortest form of each. */
export function pack(value: Value): Uint8Array<ArrayBuffer> {
  const out: number[] = [];
  write(value, out);
  return Uint8Array.from(out);
}

class Reader {
  position = 0;
  private readonly view: DataView;
  private readonly texts = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  constructor(
    private readonly data: Uint8Array,
    private readonly caps: Caps,
    private readonly name: string,
  ) {
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  error(what: string): FormatError {
    return new FormatError(`${this.name} is not strict msgpack: ${what}`);
  }

  value(depth: number): Value {
    if (depth > MAX_DEPTH) throw this.error("it is nested too deep");
    const head = this.view.getUint8(this.take(1));
    if (head <= 0x7f) return BigInt(head);
    if (head <= 0x8f) return this.map(head & 0x0f, depth);
    if (head <= 0x9f) return this.list(head & 0x0f, depth);
    if (head <= 0xbf) return this.text(head & 0x1f);
    if (head >= 0xe0) return BigInt(head - 0x100);
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.bytes(this.size(1));
      case 0xc5:
        return this.bytes(this.size(2));
      case 0xc6:
        return this.bytes(this.size(4));
      case 0xca:
        return this.view.getFloat32(this.take(4));
      case 0xcb:
        return this.view.getFloat64(this.take(8));
      case 0xcc:
        return BigInt(this.size(1));
      case 0xcd:
        return BigInt(this.size(2));
      case 0xce:
        return BigInt(this.size(4));
      case 0xcf:
        return this.view.getBigUint64(this.take(8));
      case 0xd0:
        return BigInt(this.view.getInt8(this.take(1)));
      case 0xd1:
        return BigInt(this.view.getInt16(this.take(2)));
      case 0xd2:
        return BigInt(this.view.getInt32(this.take(4)));
      case 0xd3:
        return this.view.getBigInt64(this.take(8));
      case 0xd9:
        return this.text(this.size(1));
      case 0xda:
        return this.text(this.size(2));
      case 0xdb:
        return this.text(this.size(4));
      case 0xdc:
        return this.list(this.size(2), depth);
      case 0xdd:
        return this.list(this.size(4), depth);
      case 0xde:
        return this.map(this.size(2), depth);
      case 0xdf:
        return this.map(this.size(4), depth);
      default:
        throw this.error(`byte 0x${head.toString(16)} begins nothing that is allowed`);
    }
  }

  /** Where `count` bytes lie that are there. */
  private take(count: number): number {
    const start = this.position;
    if (count > this.data.length - start) throw this.error("it ends too early");
    this.position += count;
    return start;
  }

  private size(bytes: 1 | 2 | 4): number {
    const at = this.take(bytes);
    return bytes === 1 ? this.view.getUint8(at) : bytes === 2 ? this.view.getUint16(at) : this.view.getUint32(at);
  }

  /** A view. */
  private bytes(count: number): Uint8Array {
    const start = this.take(count);
    return this.data.subarray(start, start + count);
  }

  private text(count: number): string {
    if (count > MAX_TEXT_BYTES) throw this.error(`a text has ${count} bytes`);
    try {
      return this.texts.decode(this.bytes(count));
    } catch (error) {
      if (error instanceof TypeError) throw this.error("a text is not UTF-8");
      throw error;
    }
  }

  private list(count: number, depth: number): Value[] {
    if (count > this.caps.items) throw this.error(`a list has ${count} entries`);
    const out: Value[] = [];
    for (let i = 0; i < count; i++) out.push(this.value(depth + 1));
    return out;
  }

  private map(count: number, depth: number): Document {
    if (count > this.caps.keys) throw this.error(`a map has ${count} entries`);
    const out: Document = new Map();
    for (let i = 0; i < count; i++) {
      const key = this.value(depth + 1);
      if (typeof key !== "string" || out.has(key)) throw this.error("a key is no text or stands twice");
      out.set(key, this.value(depth + 1));
    }
    return out;
  }
}

function write(value: Value, out: number[]): void {
  if (value === null) out.push(0xc0);
  else if (typeof value === "boolean") out.push(value ? 0xc3 : 0xc2);
  else if (typeof value === "bigint") writeInteger(value, out);
  else if (typeof value === "number") {
    const bytes = new DataView(new ArrayBuffer(8));
    bytes.setFloat64(0, value);
    out.push(0xcb, ...new Uint8Array(bytes.buffer));
  } else if (typeof value === "string") {
    const bytes = new TextEncoder().encode(value);
    if (bytes.length < 32) out.push(0xa0 | bytes.length);
    else writeSize(bytes.length, [0xd9, 0xda, 0xdb], out);
    for (const byte of bytes) out.push(byte);
  } else if (value instanceof Uint8Array) {
    writeSize(value.length, [0xc4, 0xc5, 0xc6], out);
    for (const byte of value) out.push(byte);
  } else if (Array.isArray(value)) {
    if (value.length < 16) out.push(0x90 | value.length);
    else writeSize(value.length, [null, 0xdc, 0xdd], out);
    for (const entry of value) write(entry, out);
  } else {
    if (value.size < 16) out.push(0x80 | value.size);
    else writeSize(value.size, [null, 0xde, 0xdf], out);
    for (const [key, entry] of value) {
      write(key, out);
      write(entry, out);
    }
  }
}

function writeInteger(value: bigint, out: number[]): void {
  if (value < -(1n << 63n) || value >= 1n << 64n) throw new FormatError(`msgpack has no form for ${value}`);
  if (value >= 0n) {
    if (value < 0x80n) out.push(Number(value));
    else if (value < 1n << 32n) writeSize(Number(value), [0xcc, 0xcd, 0xce], out);
    else writeBig(0xcf, value, 8, out);
  } else if (value >= -32n) out.push(Number(value + 0x100n));
  else if (value >= -(1n << 7n)) writeBig(0xd0, value, 1, out);
  else if (value >= -(1n << 15n)) writeBig(0xd1, value, 2, out);
  else if (value >= -(1n << 31n)) writeBig(0xd2, value, 4, out);
  else writeBig(0xd3, value, 8, out);
}

/** The head with one, two or four bytes of size; null where that form does not exist. */
function writeSize(size: number, heads: readonly [number | null, number, number], out: number[]): void {
  if (size < 1 << 8 && heads[0] !== null) out.push(heads[0], size);
  else if (size < 1 << 16) out.push(heads[1], size >> 8, size & 0xff);
  else writeBig(heads[2], BigInt(size), 4, out);
}

function writeBig(head: number, value: bigint, bytes: number, out: number[]): void {
  out.push(head);
  for (let i = bytes - 1; i >= 0; i--) out.push(Number((value >> BigInt(8 * i)) & 0xffn));
}
