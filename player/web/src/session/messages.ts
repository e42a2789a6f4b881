/** Every message of a session and its bytes. Parts are binary, all others msgpack maps. SPEC sections 8.2 and 8.3. */

import { FormatError } from "../format/errors.ts";
import { Fields, integer, text, unpackDocument } from "../format/fields.ts";
import { type Document, type Value, pack } from "../format/msgpack.ts";
import { Ratio } from "../format/ratio.ts";
import { viewOf } from "../format/ratio_bytes.ts";
import {
  FRONT,
  MAX_CAPABILITIES,
  MAX_CHUNKS,
  MAX_CREDIT_BYTES,
  MAX_DURATION_S,
  MAX_FRONT_BYTES,
  MAX_GENERATION,
  MAX_MESSAGE_BYTES,
  MAX_MESSAGE_ITEMS,
  MAX_PART_BYTES,
  MAX_RUNGS,
  MAX_SEGMENT_BYTES,
  MAX_VERSIONS,
  MESSAGE_FIELDS,
  MIN_PART_BYTES,
  type Message,
  PART_HEADER_BYTES,
  PART_MARK,
  SEGMENT,
} from "../format/schema.ts";

export type Kind = Message["type"];
/** The message of that type. */
export type MessageOf<K extends Kind> = Extract<Message, { readonly type: K }>;

/** What a part is of: `offset` of `total` bytes of the front or of a segment; generation 0 is the front's. */
export interface PartHead {
  readonly kind: number;
  readonly generation: number;
  readonly chunk: number;
  readonly rung: number;
  readonly offset: number;
  readonly total: number;
}

/** Message -> bytes. Throws FormatError where the other end would refuse it. */
export function encodeMessage(message: Message): Uint8Array<ArrayBuffer> {
  const document: Document = new Map<string, Value>([["type", message.type]]);
  const values = new Map<string, unknown>(Object.entries(message));
  for (const [name] of MESSAGE_FIELDS[message.type]) document.set(name, plain(values.get(name)));
  const data = pack(document);
  decodeMessage(data);
  return data;
}

/** A field's value as msgpack has it. */
function plain(value: unknown): Value {
  if (value instanceof Ratio) return [value.numerator, value.denominator];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "number" && Number.isInteger(value)) return BigInt(value);
  if (value === null || typeof value === "string" || typeof value === "boolean" || value instanceof Uint8Array) {
    return value;
  }
  throw new FormatError(`a message holds ${typeof value}, which has no form`);
}

/** Bytes of anything but a part -> Message, every field checked. Throws FormatError. */
export function decodeMessage(data: Uint8Array): Message {
  const f = unpackDocument(data, "message", { maxBytes: MAX_MESSAGE_BYTES, maxItems: MAX_MESSAGE_ITEMS });
  const kind = f.choice("type", Object.keys(READERS) as Kind[]);
  return READERS[kind](f.called(kind));
}

/** Whether a message is a part. */
export function isPart(data: Uint8Array): boolean {
  return data.length > 0 && data[0] === PART_MARK;
}

/** A part -> its head and its payload, a view. Throws FormatError. */
export function decodePart(data: Uint8Array): { head: PartHead; payload: Uint8Array } {
  if (data.length <= PART_HEADER_BYTES) throw new FormatError("a part has no payload");
  const view = viewOf(data);
  const head: PartHead = {
    kind: view.getUint8(1),
    rung: view.getUint16(2, true),
    generation: view.getUint32(4, true),
    chunk: view.getUint32(8, true),
    offset: view.getUint32(12, true),
    total: view.getUint32(16, true),
  };
  const payload = data.subarray(PART_HEADER_BYTES);
  checkPlace(head);
  checkSize(head, payload.length);
  return { head, payload };
}

function checkPlace({ kind, generation, chunk, rung }: PartHead): void {
  const right =
    kind === FRONT
      ? !generation && !chunk && !rung
      : kind === SEGMENT && generation > 0 && chunk < MAX_CHUNKS && rung < MAX_RUNGS;
  if (!right) {
    throw new FormatError(`a part is of kind ${kind}, generation ${generation}, chunk ${chunk}, rung ${rung}`);
  }
}

function checkSize({ kind, offset, total }: PartHead, length: number): void {
  const most = kind === FRONT ? MAX_FRONT_BYTES : MAX_SEGMENT_BYTES;
  if (total > most) throw new FormatError(`a part is of ${total} bytes; at most ${most} are allowed`);
  const left = total - offset;
  // Small ones would cost a client many times their bytes.
  const least = Math.min(left, MIN_PART_BYTES);
  if (length > left || length < least || length > MAX_PART_BYTES) {
    throw new FormatError(`a part has ${length} bytes of the ${left} from byte ${offset} on`);
  }
}

const MAX_U32 = 2 ** 32 - 1;

const READERS: { readonly [K in Kind]: (f: Fields) => MessageOf<K> } = {
  hello: (f) => ({
    type: "hello",
    versions: f.items("versions", 1, MAX_VERSIONS).map((v, i) => integer(v, f.name(`versions[${i}]`), 0, MAX_U32)),
    show: f.text("show"),
    token: f.text("token"),
    agent: f.text("agent"),
    capabilities: capabilities(f),
    credit: f.integer("credit", 0, MAX_CREDIT_BYTES),
  }),
  welcome: (f) => ({
    type: "welcome",
    version: f.integer("version", 0, MAX_U32),
    agent: f.text("agent"),
    capabilities: capabilities(f),
    live: f.flag("live"),
    front_bytes: f.integer("front_bytes", 1, MAX_FRONT_BYTES),
  }),
  subscribe: (f) => ({
    type: "subscribe",
    generation: generation(f),
    time: f.get("time") === null ? null : f.fraction("time", 0, MAX_DURATION_S),
    rung: rung(f),
  }),
  switch: (f) => ({ type: "switch", generation: generation(f), rung: rung(f) }),
  credit: (f) => ({ type: "credit", bytes: f.integer("bytes", 1, MAX_CREDIT_BYTES) }),
  ping: (f) => ({ type: "ping", id: f.integer("id", 0, MAX_U32) }),
  pong: (f) => ({ type: "pong", id: f.integer("id", 0, MAX_U32) }),
  appended: (f) => {
    const rows = f.blob("rows", MAX_MESSAGE_BYTES);
    if (!rows.length) throw new FormatError(`${f.name("rows")} must not be empty`);
    return { type: "appended", first: f.integer("first", 1, MAX_CHUNKS - 1), rows };
  },
  end: (f) => ({ type: "end", generation: generation(f), chunks: f.integer("chunks", 1, MAX_CHUNKS) }),
  bye: (f) => ({ type: "bye", reason: f.text("reason") }),
  error: (f) => ({ type: "error", code: f.text("code", false), message: f.text("message") }),
};

function capabilities(f: Fields): string[] {
  return f.items("capabilities", 0, MAX_CAPABILITIES).map((v, i) => text(v, f.name(`capabilities[${i}]`), false));
}

function generation(f: Fields): number {
  return f.integer("generation", 1, MAX_GENERATION);
}

function rung(f: Fields): number {
  return f.integer("rung", 0, MAX_RUNGS - 1);
}
