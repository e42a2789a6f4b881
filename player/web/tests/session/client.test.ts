/** The client's end, message by message: what it says, and what it believes of a server. */

import { beforeAll, describe, expect, test } from "vitest";
import { digest, prepareDigest } from "../../src/format/digest.ts";
import { FormatError, StreamError } from "../../src/format/errors.ts";
import { Ratio, ratio } from "../../src/format/ratio.ts";
import { ERROR_CODES, MAX_CREDIT_BYTES, type Message, PASSING_CODES } from "../../src/format/schema.ts";
import type { ChunkEntry } from "../../src/format/show_index.ts";
import { ClientSession } from "../../src/session/client.ts";
import { encodeMessage } from "../../src/session/messages.ts";
import { MemoryShow, encodeRow } from "../shows.ts";
import { front, hear, part, said, segment } from "./wire.ts";

let SHOW: MemoryShow;
let T1: Ratio;

beforeAll(async () => {
  await prepareDigest();
  SHOW = new MemoryShow();
  T1 = SHOW.index.chunks[1].start;
});

const MEBI = 1 << 20;

function client(credit = MEBI): ClientSession {
  return new ClientSession({ show: "tiny", token: "geheim", agent: "me", credit });
}

function welcome(change: Partial<Extract<Message, { type: "welcome" }>> = {}): Message {
  return {
    type: "welcome",
    version: 1,
    agent: "server",
    capabilities: ["live"],
    live: false,
    front_bytes: 9,
    ...change,
  };
}

/** Open, with that much credit left. */
function opened(show = SHOW, credit = MEBI): ClientSession {
  const session = client(credit + show.front.length);
  hear(session, welcome({ live: show.live, front_bytes: show.front.length }));
  const [event] = session.receive(front(show.front));
  expect(event).toMatchObject({ type: "opened", live: show.live });
  said(session);
  return session;
}

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was refused");
}

test("it says hello", () => {
  const session = client();
  expect(said(session)).toEqual([
    { type: "hello", versions: [1], show: "tiny", token: "geheim", agent: "me", capabilities: ["live"], credit: MEBI },
  ]);
  expect(session.granted).toBe(MEBI);
  expect(() => new ClientSession({ show: "tiny", token: "x".repeat(2000), agent: "me", credit: 0 })).toThrow(
    /hello\.token/,
  );
});

test("the show opens with its front in parts", () => {
  const big = new MemoryShow(Array(400).fill([100]));
  expect(big.front.length).toBeGreaterThan(20_000);
  const session = client();
  expect(hear(session, welcome({ front_bytes: big.front.length }))).toEqual([]);
  expect(() => session.subscribe(ratio(0), 0)).toThrow("'tiny' is not open yet");
  const total = big.front.length;
  expect(session.receive(front(big.front.subarray(0, 16_384), { total }))).toEqual([]);
  const [event] = session.receive(front(big.front.subarray(16_384), { offset: 16_384, total }));
  expect(event.type).toBe("opened");
  expect(session.index.chunks).toHaveLength(400);
  expect(session.granted).toBe(MEBI - total);
});

test("what it asks for", () => {
  const session = opened();
  session.subscribe(ratio(0), 1);
  session.switch(0);
  session.grant(1000);
  session.ping(7);
  session.subscribe(null, 0);
  session.leave("enough\n");
  expect(said(session)).toEqual([
    { type: "subscribe", generation: 1, time: ratio(0), rung: 1 },
    { type: "switch", generation: 1, rung: 0 },
    { type: "credit", bytes: 1000 },
    { type: "ping", id: 7 },
    { type: "subscribe", generation: 2, time: null, rung: 0 },
    { type: "bye", reason: "enough?" },
  ]);
});

test("it names the chunk by its start", () => {
  const within = new Ratio(T1.numerator * (1n << 40n) + 1n, T1.denominator * (1n << 40n));
  const starts = SHOW.index.chunks.map(({ start }) => start);
  for (const [time, start] of [
    [ratio(-1), starts[0]],
    [within, starts[1]],
    [ratio(333, 10_000), starts[0]],
    [ratio(10 ** 9), starts[3]],
  ]) {
    const session = opened();
    session.subscribe(time, 0);
    expect(said(session)).toEqual([{ type: "subscribe", generation: 1, time: start, rung: 0 }]);
  }
});

test("segments arrive and the show ends", () => {
  const session = opened();
  session.subscribe(T1, 0);
  expect(session.receive(segment(SHOW, 1, 0, { length: 16_384 }))).toEqual([
    { type: "progress", chunk: 1, rung: 0, received: 16_384, total: 40_000 },
  ]);
  const [progress, arrived] = session.receive(segment(SHOW, 1, 0, { at: 16_384 }));
  expect(progress).toEqual({ type: "progress", chunk: 1, rung: 0, received: 40_000, total: 40_000 });
  expect(arrived).toMatchObject({ type: "arrived", chunk: 1, rung: 0 });
  const { data } = arrived as { data: Uint8Array };
  expect([...digest(data)]).toEqual([...SHOW.index.chunks[1].segments[0].digest]);
  session.switch(1);
  for (const chunk of [2, 3]) expect(session.receive(segment(SHOW, chunk, 1)).at(-1)!.type).toBe("arrived");
  expect(hear(session, { type: "end", generation: 1, chunks: 4 })).toEqual([{ type: "ended" }]);
  expect(session.granted).toBe(MEBI - 40_000 - 16_384 - 20_000);
});

test("the newest chunk is the server's choice", () => {
  const session = opened();
  session.subscribe(null, 1);
  expect(session.receive(segment(SHOW, 3, 1)).at(-1)!.type).toBe("arrived");
  expect(hear(session, { type: "end", generation: 1, chunks: 4 })).toEqual([{ type: "ended" }]);
  expect(() => hear(session, { type: "end", generation: 1, chunks: 4 })).toThrow("or twice");
});

test("nothing stale after a seek", () => {
  const session = opened();
  session.subscribe(ratio(0), 0);
  session.receive(segment(SHOW, 0, 0));
  session.receive(segment(SHOW, 1, 0, { length: 16_384 }));
  session.subscribe(T1, 0);
  const { granted } = session;
  expect(session.receive(segment(SHOW, 1, 0, { at: 16_384, length: 16_384 }))).toEqual([]);
  expect(hear(session, { type: "end", generation: 1, chunks: 4 })).toEqual([]);
  expect(session.granted).toBe(granted - 16_384);
  const [progress] = session.receive(segment(SHOW, 1, 0, { generation: 2, length: 16_384 }));
  expect(progress).toMatchObject({ type: "progress", received: 16_384 });
});

test("pings and leaving", () => {
  const session = opened();
  session.ping(7);
  const pong: Message = { type: "pong", id: 7 };
  expect(hear(session, pong, { type: "bye", reason: "going" })).toEqual([
    { type: "ponged", id: 7 },
    { type: "left", reason: "going" },
  ]);
  expect(() => hear(session, pong)).toThrow("not sent");
  expect(() => hear(session, { type: "pong", id: 8 })).toThrow("not sent");
});

test.each([...ERROR_CODES, "of the future"])("a refusal by %s keeps its code unless it may pass", (code) => {
  const passing = (PASSING_CODES as readonly string[]).includes(code);
  for (const session of [client(), opened()]) {
    const error = thrown(() => hear(session, { type: "error", code, message: "because" }));
    expect(error).toBeInstanceOf(StreamError);
    expect(error).toMatchObject({ message: "the server refuses 'tiny': because", code: passing ? "" : code });
  }
});

test("credit has its bounds", () => {
  const session = opened();
  for (const bytes of [0, -1, MAX_CREDIT_BYTES - session.granted + 1]) {
    expect(() => session.grant(bytes)).toThrow(FormatError);
  }
  session.grant(MAX_CREDIT_BYTES - session.granted);
  expect(session.granted).toBe(MAX_CREDIT_BYTES);
});

/** The show's newest row as the file of `before` would have it (SPEC 8.8). */
function moved(before: MemoryShow["index"], show: MemoryShow): ChunkEntry {
  const shift = before.chunks[0].segments[0].offset - show.index.chunks[0].segments[0].offset;
  const { newest } = show.index;
  return { ...newest, segments: newest.segments.map((s) => ({ ...s, offset: s.offset + shift })) };
}

test("a live show grows", () => {
  const show = new MemoryShow(undefined, true);
  const session = opened(show);
  session.subscribe(null, 0);
  session.receive(segment(show, 3, 0));
  const before = session.index;
  show.grow([[17, 18]]);
  const rows = encodeRow(moved(before, show));
  const [grown] = hear(session, { type: "appended", first: 4, rows });
  expect(grown).toEqual({ type: "grown", index: session.index });
  expect(session.index.chunks).toHaveLength(5);
  expect(session.receive(segment(show, 4, 0)).at(-1)!.type).toBe("arrived");
  expect(hear(session, { type: "end", generation: 1, chunks: 5 })).toEqual([{ type: "ended" }]);
  expect(() => hear(session, { type: "appended", first: 5, rows })).toThrow("appends chunk 5 to a show of 5");
});

test("growth continues the index", () => {
  const show = new MemoryShow(undefined, true);
  const session = opened(show);
  const before = session.index;
  show.grow([[1, 2]]);
  const rows = encodeRow(moved(before, show));
  for (const first of [3, 5]) expect(() => hear(session, { type: "appended", first, rows })).toThrow(StreamError);
  show.grow([[3, 4]]);
  expect(() => hear(session, { type: "appended", first: 4, rows: encodeRow(moved(before, show)) })).toThrow(
    FormatError,
  );
  expect(() => hear(session, { type: "appended", first: 4, rows: rows.subarray(1) })).toThrow(FormatError);
});

test("due is what nothing holds back", () => {
  const session = client(0);
  const due = (...messages: Uint8Array[]): boolean => {
    messages.forEach((message) => session.receive(message));
    return session.due;
  };
  expect(session.due).toBe(true); // the welcome
  hear(session, welcome({ front_bytes: SHOW.front.length }));
  expect(session.due).toBe(false); // no credit for the front
  session.grant(SHOW.front.length + 300);
  expect(session.due).toBe(true);
  expect(due(front(SHOW.front))).toBe(false); // nobody asked for a segment
  session.subscribe(ratio(0), 1);
  expect(session.due).toBe(true);
  expect(due(segment(SHOW, 0, 1))).toBe(false); // 16,384 bytes are next
  session.grant(16_383);
  expect(session.due).toBe(false);
  session.grant(1);
  expect(session.due).toBe(true);
  expect(due(segment(SHOW, 1, 1, { length: 16_384 }))).toBe(false); // one byte is left
  session.grant(MEBI);
  expect(session.due).toBe(true);
  for (const message of [segment(SHOW, 1, 1, { at: 16_384 }), segment(SHOW, 2, 1)]) expect(due(message)).toBe(true);
  expect(due(segment(SHOW, 3, 1))).toBe(false); // no chunk is left
  const newest = opened(new MemoryShow(undefined, true));
  newest.subscribe(null, 0);
  expect(newest.due).toBe(true);
});

describe("what a server may not do before the show is open", () => {
  test.each<[string, Message[]]>([
    ["a second welcome", [welcome(), welcome()]],
    ["a version that was not offered", [welcome({ version: 2 })]],
    ["growth", [{ type: "appended", first: 1, rows: Uint8Array.of(1) }]],
    ["the end", [{ type: "end", generation: 1, chunks: 1 }]],
    ["a client's message", [{ type: "ping", id: 1 }]],
  ])("%s", (_, messages) => {
    expect(thrown(() => hear(client(), ...messages))).toBeInstanceOf(StreamError);
  });

  test.each<[string, number | null, () => Uint8Array]>([
    ["the front without a welcome", null, () => front(SHOW.front)],
    ["a segment", 5000, () => segment(SHOW, 0, 0)],
    ["another length", 1, () => front(SHOW.front)],
    ["from the middle", 0, () => front(SHOW.front.subarray(1), { offset: 1, total: SHOW.front.length })],
    ["with bytes behind", 1, () => front(new Uint8Array([...SHOW.front, 0]))],
    ["cut short", -1, () => front(SHOW.front.subarray(0, -1))],
    ["damaged", 0, () => front(new Uint8Array([...SHOW.front.subarray(0, -1), 0x55]))],
    ["no show at all", 20 - 1e9, () => front(new Uint8Array(20))],
  ])("%s", (_, more, message) => {
    const session = client();
    if (more !== null) hear(session, welcome({ front_bytes: more < -1e6 ? 20 : SHOW.front.length + more }));
    const error = thrown(() => session.receive(message()));
    expect(error instanceof StreamError || error instanceof FormatError).toBe(true);
    expect(() => session.index).toThrow(StreamError);
  });
});

describe("what a server may not do after a subscription of generation 1 at chunk 1, rung 0", () => {
  test.each<[string, () => Uint8Array]>([
    ["a second welcome", () => encodeMessage(welcome())],
    ["the front again", () => front(SHOW.front)],
    ["a client's message", () => encodeMessage({ type: "credit", bytes: 1 })],
    ["another chunk", () => segment(SHOW, 2, 0)],
    ["another rung", () => segment(SHOW, 1, 1)],
    ["a chunk that does not exist", () => part({ kind: 1, generation: 1, chunk: 4, total: 9 }, new Uint8Array(9))],
    ["a generation of the future", () => segment(SHOW, 1, 0, { generation: 2 })],
    ["a generation that never was", () => segment(SHOW, 1, 0, { generation: 0 })],
    [
      "another length than the index says",
      () => part({ kind: 1, generation: 1, chunk: 1, total: 39_999 }, new Uint8Array(39_999)),
    ],
    ["from the middle", () => segment(SHOW, 1, 0, { at: 1 })],
    ["small parts", () => segment(SHOW, 1, 0, { length: 16_383 })],
    ["more than the credit", () => part({ kind: 1, generation: 1, chunk: 1, total: 100_001 }, new Uint8Array(100_001))],
    ["the end before the last chunk", () => encodeMessage({ type: "end", generation: 1, chunks: 4 })],
    ["an end of the future", () => encodeMessage({ type: "end", generation: 2, chunks: 4 })],
    ["the end of another show", () => encodeMessage({ type: "end", generation: 1, chunks: 3 })],
    [
      "growth of a finished show",
      () => encodeMessage({ type: "appended", first: 4, rows: encodeRow(SHOW.index.chunks[3]) }),
    ],
    ["nothing", () => new Uint8Array()],
    ["a part without a head", () => Uint8Array.of(0xc1, 1)],
    ["no message", () => Uint8Array.of(0)],
  ])("%s", (_, message) => {
    const session = opened(SHOW, 100_000);
    session.subscribe(T1, 0);
    const error = thrown(() => session.receive(message()));
    expect(error instanceof StreamError || error instanceof FormatError).toBe(true);
    expect((error as { code?: string }).code ?? "").toBe("");
  });

  test.each<[string, () => Uint8Array]>([
    ["a gap", () => segment(SHOW, 1, 0, { at: 20_000 })],
    ["again", () => segment(SHOW, 1, 0)],
    ["another chunk", () => segment(SHOW, 2, 0)],
    [
      "another rung",
      () => part({ kind: 1, generation: 1, chunk: 1, rung: 1, offset: 16_384, total: 40_000 }, new Uint8Array(23_616)),
    ],
    ["the end", () => encodeMessage({ type: "end", generation: 1, chunks: 4 })],
  ])("a segment may not change on its way: %s", (_, following) => {
    const session = opened();
    session.subscribe(T1, 0);
    session.switch(1);
    session.receive(segment(SHOW, 1, 0, { length: 16_384 }));
    expect(thrown(() => session.receive(following()))).toBeInstanceOf(StreamError);
  });

  test("not a byte more than the credit", () => {
    const session = opened(SHOW, 39_999);
    session.subscribe(T1, 0);
    expect(() => session.receive(segment(SHOW, 1, 0))).toThrow("more than it was granted");
  });

  test("nothing is sent that was not subscribed", () => {
    expect(thrown(() => opened().receive(segment(SHOW, 0, 0)))).toBeInstanceOf(StreamError);
  });
});
