/** The bytes of every message: the golden ones are read as what they were, and writing those gives the same bytes. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FormatError } from "../../src/format/errors.ts";
import { type Value, pack } from "../../src/format/msgpack.ts";
import { ratio } from "../../src/format/ratio.ts";
import { MESSAGE_FIELDS, type Message } from "../../src/format/schema.ts";
import { type PartHead, decodeMessage, decodePart, encodeMessage, isPart } from "../../src/session/messages.ts";
import { GOLDEN_MESSAGES, random } from "../shows.ts";

const MESSAGES: Record<string, Message> = {
  hello: {
    type: "hello",
    versions: [1],
    show: "steak",
    token: "geheim",
    agent: "lfv/0.1",
    capabilities: ["live"],
    credit: 262_144,
  },
  "hello, least": { type: "hello", versions: [0], show: "", token: "", agent: "", capabilities: [], credit: 0 },
  welcome: { type: "welcome", version: 1, agent: "lfv/0.1", capabilities: ["live"], live: true, front_bytes: 65_536 },
  subscribe: { type: "subscribe", generation: 1, time: ratio(3003, 30_000), rung: 3 },
  "subscribe, newest": { type: "subscribe", generation: 4_294_967_295, time: null, rung: 0 },
  switch: { type: "switch", generation: 2, rung: 7 },
  credit: { type: "credit", bytes: 67_108_864 },
  ping: { type: "ping", id: 4_294_967_295 },
  pong: { type: "pong", id: 0 },
  appended: { type: "appended", first: 2, rows: Uint8Array.from({ length: 60 }, (_, i) => i) },
  end: { type: "end", generation: 1, chunks: 65_536 },
  bye: { type: "bye", reason: "the server goes away" },
  error: { type: "error", code: "show", message: "no show 'é' here" },
};
const PARTS: Record<string, [PartHead, number[]]> = {
  "part of the front": [{ kind: 0, generation: 0, chunk: 0, rung: 0, offset: 16_384, total: 16_387 }, [1, 2, 3]],
  "part of a segment": [
    { kind: 1, generation: 4_294_967_295, chunk: 65_535, rung: 7, offset: 0, total: 2 },
    [0xfe, 0xff],
  ],
};

const GOLDEN = new Map(
  readFileSync(GOLDEN_MESSAGES, "utf-8")
    .trim()
    .split("\n")
    .map((line): [string, Uint8Array] => {
      const [name, hex] = line.split(": ");
      return [name, new Uint8Array(Buffer.from(hex, "hex"))];
    }),
);

test("every kind is there", () => {
  expect([...GOLDEN.keys()]).toEqual([...Object.keys(MESSAGES), ...Object.keys(PARTS)]);
  expect(new Set(Object.values(MESSAGES).map(({ type }) => type))).toEqual(new Set(Object.keys(MESSAGE_FIELDS)));
});

test.each(Object.keys(MESSAGES))("%s", (name) => {
  const data = GOLDEN.get(name)!;
  expect(isPart(data)).toBe(false);
  expect(decodeMessage(data)).toEqual(MESSAGES[name]);
  expect([...encodeMessage(MESSAGES[name])]).toEqual([...data]);
});

test.each(Object.keys(PARTS))("%s", (name) => {
  const data = GOLDEN.get(name)!;
  expect(isPart(data)).toBe(true);
  const { head, payload } = decodePart(data);
  expect([head, [...payload]]).toEqual(PARTS[name]);
});

/** A message's map, changed. */
function changed(name: string, change: Record<string, Value | undefined>): Uint8Array {
  const fields = Object.entries(MESSAGES[name]).map(([key, value]): [string, Value] => [
    key,
    typeof value === "number" ? BigInt(value) : (value as Value),
  ]);
  const map = new Map(fields);
  for (const [key, value] of Object.entries(change)) {
    if (value === undefined) map.delete(key);
    else map.set(key, value);
  }
  return pack(map);
}

test("unknown keys are ignored", () => {
  expect(decodeMessage(changed("ping", { more: [1n] }))).toEqual(MESSAGES.ping);
});

test.each<[string, Record<string, Value | undefined>, string]>([
  ["ping", { type: "pang" }, "message.type is 'pang'"],
  ["ping", { id: undefined }, "ping.id is missing"],
  ["ping", { id: -1n }, "ping.id is -1"],
  ["ping", { id: 1 }, "ping.id must be an integer"],
  ["credit", { bytes: 0n }, "credit.bytes is 0"],
  ["credit", { bytes: 67_108_865n }, "credit.bytes is 67108865"],
  ["switch", { generation: 0n }, "switch.generation is 0"],
  ["switch", { rung: 8n }, "switch.rung is 8"],
  ["end", { chunks: 0n }, "end.chunks is 0"],
  ["error", { code: "" }, "error.code must not be empty"],
  ["error", { message: "x".repeat(1025) }, "longer than 1024 characters"],
  ["bye", { reason: "a\x1b[2J" }, "control characters"],
])("%s with %o is refused", (name, change, says) => {
  expect(() => decodeMessage(changed(name, change))).toThrow(FormatError);
  expect(() => decodeMessage(changed(name, change))).toThrow(says);
});

test.each<[string, Message]>([
  ["an empty growth", { type: "appended", first: 1, rows: new Uint8Array() }],
  ["a growth of the first chunk", { type: "appended", first: 0, rows: Uint8Array.of(1) }],
  ["a growth that is too large", { type: "appended", first: 1, rows: new Uint8Array(65_537) }],
  ["no versions", { ...MESSAGES.hello, versions: [] } as unknown as Message],
  ["too many versions", { ...MESSAGES.hello, versions: Array<number>(17).fill(1) } as unknown as Message],
  ["an empty capability", { ...MESSAGES.hello, capabilities: [""] } as unknown as Message],
  ["too many capabilities", { ...MESSAGES.hello, capabilities: Array<string>(65).fill("x") } as unknown as Message],
  ["too much credit", { ...MESSAGES.hello, credit: 67_108_865 } as unknown as Message],
  ["a time before the show", { type: "subscribe", generation: 1, time: ratio(-1), rung: 0 }],
  ["a time behind all shows", { type: "subscribe", generation: 1, time: ratio(4_294_967_297), rung: 0 }],
  ["a large front", { ...MESSAGES.welcome, front_bytes: 25_165_825 } as unknown as Message],
  ["no number", { type: "ping", id: NaN }],
])("%s is not written", (_, message) => {
  expect(() => encodeMessage(message)).toThrow(FormatError);
});

const part = (change: (view: DataView) => void, length = 3): Uint8Array => {
  const data = new Uint8Array(20 + length);
  const view = new DataView(data.buffer);
  view.setUint8(0, 0xc1);
  view.setUint8(1, 1);
  view.setUint32(4, 1, true);
  view.setUint32(16, length, true);
  change(view);
  return data;
};

test.each<[string, Uint8Array, string]>([
  ["without payload", part(() => {}, 0), "no payload"],
  ["of an unknown kind", part((v) => v.setUint8(1, 2)), "of kind 2"],
  ["of generation 0", part((v) => v.setUint32(4, 0, true)), "generation 0"],
  ["of chunk 65536", part((v) => v.setUint32(8, 65_536, true)), "chunk 65536"],
  ["of rung 8", part((v) => v.setUint16(2, 8, true)), "rung 8"],
  ["of a front with a generation", part((v) => v.setUint8(1, 0)), "kind 0, generation 1"],
  ["of a huge segment", part((v) => v.setUint32(16, 2 ** 27 + 1, true)), "at most 134217728"],
  ["behind the end", part((v) => v.setUint32(12, 1, true)), "3 bytes of the 2 from byte 1 on"],
  ["that is too small", part((v) => v.setUint32(16, 20_000, true)), "3 bytes of the 20000"],
  ["that is too large", part((v) => v.setUint32(16, 2 ** 21, true), 2 ** 20 + 1), "1048577 bytes of the"],
])("a part %s is refused", (_, data, says) => {
  expect(() => decodePart(data)).toThrow(FormatError);
  expect(() => decodePart(data)).toThrow(says);
});

test("any bytes give a message or one error", () => {
  const next = random(2);
  const known = [...GOLDEN.values()];
  for (let i = 0; i < 3000; i++) {
    const data = known[Math.floor(known.length * next())].slice();
    for (let j = 0; j < 1 + 3 * next(); j++) data[Math.floor(data.length * next())] = 256 * next();
    try {
      if (isPart(data)) decodePart(data);
      else decodeMessage(data);
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
    }
  }
});
