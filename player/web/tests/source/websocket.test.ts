/** Sessions over real WebSockets: honest servers, and those that no honest server can be. */

import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type WebSocket as Peer, WebSocket, WebSocketServer } from "ws";
import { prepareDigest } from "../../src/format/digest.ts";
import { FormatError, StreamError, UsageError } from "../../src/format/errors.ts";
import { ZERO } from "../../src/format/ratio.ts";
import { type Message } from "../../src/format/schema.ts";
import { decodeMessage, encodeMessage } from "../../src/session/messages.ts";
import { parseAddress } from "../../src/source/address.ts";
import { LINK_OPTIONS, type Link, type LinkOptions } from "../../src/source/link.ts";
import { websocketLink } from "../../src/source/websocket.ts";
import { Cleanup } from "../served.ts";
import { front, segment } from "../session/wire.ts";
import { MemoryShow } from "../shows.ts";

const cleanup = new Cleanup();
let SHOW: MemoryShow;

beforeAll(async () => {
  Object.assign(globalThis, { WebSocket }); // Node 20 has none of its own
  await prepareDigest();
  SHOW = new MemoryShow();
});

afterAll(() => cleanup.run());

/** The server's end: what the client said, and when it went. */
class Client {
  readonly said: Message[] = [];
  readonly gone: Promise<void>;
  private wake: () => void = () => {};

  constructor(readonly peer: Peer) {
    peer.on("message", (data: Buffer) => {
      this.said.push(decodeMessage(new Uint8Array(data)));
      this.wake();
    });
    this.gone = new Promise((done) => peer.on("close", () => done()));
  }

  send(...messages: (Message | Uint8Array)[]): void {
    for (const message of messages) this.peer.send(message instanceof Uint8Array ? message : encodeMessage(message));
  }

  /** The first message of this kind, once it has come. */
  async heard<K extends Message["type"]>(type: K): Promise<Extract<Message, { type: K }>> {
    for (;;) {
      const found = this.said.find((message) => message.type === type);
      if (found) return found as Extract<Message, { type: K }>;
      await new Promise<void>((done) => (this.wake = done));
    }
  }
}

/** A server that runs the script for each client -> its address. */
async function scripted(script: (client: Client) => unknown, options: object = {}): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
  server.on("connection", (peer) => void script(new Client(peer)));
  await new Promise((done) => server.once("listening", done));
  cleanup.add(() => {
    for (const peer of server.clients) peer.terminate();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/tiny.lfv`;
}

function linkTo(url: string, options: Partial<LinkOptions> = {}): Link {
  const link = websocketLink(parseAddress(url), { ...LINK_OPTIONS, ...options });
  cleanup.add(() => link.close());
  return link;
}

const welcome = (): Message => ({
  type: "welcome",
  version: 1,
  agent: "scripted",
  capabilities: ["live"],
  live: false,
  front_bytes: SHOW.front.length,
});

/** Welcomes a client with the show's front, and waits for what it wants. */
async function subscribed(client: Client): Promise<void> {
  await client.heard("hello");
  client.send(welcome(), front(SHOW.front));
  await client.heard("subscribe");
}

async function failure(link: Link): Promise<StreamError> {
  for (;;) {
    const event = await link.receive().catch((error: unknown) => error);
    if (event instanceof Error) {
      expect(event).toBeInstanceOf(StreamError);
      return event as StreamError;
    }
  }
}

test("a show is delivered, and the client says goodbye", async () => {
  let client!: Client;
  const url = await scripted(async (its) => {
    client = its;
    await subscribed(its);
    for (const chunk of SHOW.index.chunks.keys()) its.send(segment(SHOW, chunk, 1));
    its.send({ type: "end", generation: 1, chunks: 4 });
  });
  const link = linkTo(`${url}?token=geheim`);
  const { index } = await link.open();
  expect(index.chunks).toHaveLength(4);
  link.begin(ZERO, 1, false);
  const arrived: number[] = [];
  for (;;) {
    const event = await link.receive();
    if (event.type === "ended") break;
    if (event.type !== "arrived") continue;
    arrived.push(event.chunk);
    expect(Buffer.compare(event.data, SHOW.segment(event.chunk, 1))).toBe(0);
  }
  expect(arrived).toEqual([0, 1, 2, 3]);
  expect(client.said[0]).toMatchObject({ type: "hello", show: "tiny", token: "geheim", credit: 256 * 1024 });
  await client.heard("ping");
  link.close();
  await client.gone;
  expect(client.said.at(-1)).toEqual({ type: "bye", reason: "the player closes" });
});

test("nothing is granted while nothing may flow", async () => {
  let client!: Client;
  const url = await scripted(async (its) => {
    client = its;
    await subscribed(its);
    its.send(segment(SHOW, 0, 0), segment(SHOW, 1, 0), segment(SHOW, 2, 0));
  });
  const link = linkTo(url, { firstCredit: 65_536, leastCredit: 32_768, mostCredit: 65_536 });
  await link.open();
  link.flow(false);
  link.begin(ZERO, 0, false);
  const granted = () => client.said.filter(({ type }) => type === "credit").length;
  const before = granted();
  while ((await link.receive()).type !== "arrived");
  while ((await link.receive()).type !== "arrived");
  expect(granted()).toBe(before);
  link.flow(true);
  await new Promise((done) => setTimeout(done, 50));
  expect(granted()).toBe(before + 1);
});

test.each<[string, (client: Client) => void, string]>([
  ["text", ({ peer }) => peer.send("hello"), "sends text"],
  [
    "a large message",
    ({ peer }) => peer.send(new Uint8Array(2 ** 20 + 21)),
    "sends a message of more than 1048596 bytes",
  ],
  ["what is no message", (client) => client.send(Uint8Array.of(1, 2)), "breaks the protocol: message"],
  ["another chunk", (client) => client.send(segment(SHOW, 1, 0)), "the server sends chunk 1; 0 of 4 is next"],
  ["an end", ({ peer }) => peer.close(1011, "over\n"), "closed the connection: over?"],
  ["an end without a word", ({ peer }) => peer.terminate(), "closed the connection"],
  [
    "a goodbye",
    (client) => {
      client.send({ type: "bye", reason: "it is late" });
      client.peer.close();
    },
    "went away: it is late",
  ],
])("%s of a server in the midst of a show", async (_, act, says) => {
  const url = await scripted(async (client) => {
    await subscribed(client);
    act(client);
  });
  const link = linkTo(url);
  await link.open();
  link.begin(ZERO, 0, false);
  const error = await failure(link);
  expect(error.message).toContain(says);
  expect(error.message).toContain(url);
  expect(error.code).toBe("");
  await expect(link.receive()).rejects.toBe(error);
  link.begin(ZERO, 0, false);
  link.switch(1);
});

test("refusals keep their code, and wrong fronts are wrong shows", async () => {
  const refusing = await scripted((client) => client.send({ type: "error", code: "show", message: "no show 'tiny'" }));
  const refusal: unknown = await linkTo(refusing)
    .open()
    .catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: "show", message: `${refusing}: the server refuses 'tiny': no show 'tiny'` });
  const damaged = await scripted((client) => {
    client.send(welcome(), front(new Uint8Array(SHOW.front.length)));
  });
  await expect(linkTo(damaged).open()).rejects.toThrow(FormatError);
  const leaving = await scripted((client) => client.send({ type: "bye", reason: "full" }));
  await expect(linkTo(leaving).open()).rejects.toThrow("went away: full");
});

test("a handshake that is refused and a server that is none look the same", async () => {
  const refusing = await scripted(() => {}, { verifyClient: () => false });
  await expect(linkTo(refusing).open()).rejects.toThrow("cannot be reached; is the server running there?");
  const foreign = linkTo(refusing, { origin: "https://page.example" });
  await expect(foreign.open()).rejects.toThrow("let pages of https://page.example in");
});

test("a server that does not answer, or falls silent, is told", async () => {
  const mute = await scripted(() => {});
  await expect(linkTo(mute, { connectS: 0.3 }).open()).rejects.toThrow("does not answer within 0.3 s");
  const url = await scripted(async (client) => {
    await subscribed(client);
    client.send(segment(SHOW, 1, 0, { length: 16_384 }));
  });
  const link = linkTo(url);
  const { index } = await link.open();
  link.begin(index.chunks[1].start, 0, false);
  const began = performance.now();
  expect((await failure(link)).message).toMatch(/nothing came from .* for 2\.\d s/);
  expect(performance.now() - began).toBeLessThan(3500);
});

test("what cannot be meant is refused before anybody is asked", async () => {
  const url = await scripted(() => {});
  await expect(linkTo(url, { token: "x".repeat(2000) }).open()).rejects.toThrow(UsageError);
  const link = linkTo(url);
  expect(() => link.begin(ZERO, 0, false)).toThrow("is not open yet");
  const opening = link.open();
  link.close();
  await expect(opening).rejects.toThrow("is closed");
});
