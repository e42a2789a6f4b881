/** What a server puts on the wire. */

import type { Message } from "../../src/format/schema.ts";
import type { ClientSession } from "../../src/session/client.ts";
import type { Event } from "../../src/session/events.ts";
import { decodeMessage, encodeMessage } from "../../src/session/messages.ts";
import { type MemoryShow, joined } from "../shows.ts";

/** A part: its head as it is told, and its payload. */
export function part(
  head: { kind: number; generation?: number; chunk?: number; rung?: number; offset?: number; total: number },
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 0xc1);
  view.setUint8(1, head.kind);
  view.setUint16(2, head.rung ?? 0, true);
  view.setUint32(4, head.generation ?? 0, true);
  view.setUint32(8, head.chunk ?? 0, true);
  view.setUint32(12, head.offset ?? 0, true);
  view.setUint32(16, head.total, true);
  return joined(bytes, payload);
}

/** A part of the front. */
export function front(data: Uint8Array, { offset = 0, total = data.length } = {}): Uint8Array<ArrayBuffer> {
  return part({ kind: 0, offset, total }, data);
}

/** A part of a segment: `length` bytes from `at` on. */
export function segment(
  show: MemoryShow,
  chunk: number,
  rung: number,
  { generation = 1, at = 0, length = 1 << 20 } = {},
): Uint8Array<ArrayBuffer> {
  const data = show.segment(chunk, rung);
  return part({ kind: 1, generation, chunk, rung, offset: at, total: data.length }, data.subarray(at, at + length));
}

/** The session takes messages -> what it tells. */
export function hear(session: ClientSession, ...messages: readonly Message[]): Event[] {
  return messages.flatMap((message) => session.receive(encodeMessage(message)));
}

/** What it has said since. */
export function said(session: ClientSession): Message[] {
  return session.outgoing.splice(0).map(decodeMessage);
}
