/**
 * The client's end of a session: messages in, events and messages out, no socket and no clock. SPEC section 8.
 *
 * What the server says is believed only as far as it was asked for: parts come in order, of the generation and at a rung
 * that were subscribed, within the credit, with the sizes that the index promised. Checksums take time: whoever takes a
 * segment checks it.
 */

import { decodeFront } from "../format/container.ts";
import { FormatError, StreamError } from "../format/errors.ts";
import { printable } from "../format/fields.ts";
import type { Ratio } from "../format/ratio.ts";
import {
  FRONT,
  LIVE,
  MAX_CREDIT_BYTES,
  MIN_PART_BYTES,
  type Message,
  PASSING_CODES,
  PROTOCOL_VERSIONS,
} from "../format/schema.ts";
import { type ShowIndex, extended } from "../format/show_index.ts";
import { Assembly } from "./assembly.ts";
import type { Event } from "./events.ts";
import { type MessageOf, type PartHead, decodeMessage, decodePart, encodeMessage, isPart } from "./messages.ts";

export interface Hello {
  /** The name by which the server knows the show. */
  readonly show: string;
  /** What lets the client in, or empty. */
  readonly token: string;
  /** The client's name and version. */
  readonly agent: string;
  /** Bytes that the server may send at once, to begin with. */
  readonly credit: number;
}

/** One session with a server. */
export class ClientSession {
  /** Messages that the wire has to send, in order. */
  readonly outgoing: Uint8Array<ArrayBuffer>[] = [];
  /** Bytes that the server may still send. */
  granted: number;
  private readonly show: string;
  private welcome: MessageOf<"welcome"> | null = null;
  private grows = false;
  private front: Assembly | null = null;
  private segment: Assembly | null = null;
  private known: ShowIndex | null = null;
  private generation = 0;
  private ended = 0;
  private rungs = new Set<number>();
  /** Not answered yet: how many pings of each number. */
  private readonly pings = new Map<number, number>();
  private nextChunk: number | null = null;

  /** A hello waits in `outgoing`. Throws FormatError where no server would take it. */
  constructor({ show, token, agent, credit }: Hello) {
    this.show = show;
    this.granted = credit;
    this.send({ type: "hello", versions: PROTOCOL_VERSIONS, show, token, agent, capabilities: [LIVE], credit });
  }

  /** Whether the server owes something that no lack of credit holds back: its welcome, the front, a segment. */
  get due(): boolean {
    const owed = this.owed();
    return this.welcome === null || (0 < owed && owed <= this.granted);
  }

  /** As far as it is known. Throws StreamError before the show is open. */
  get index(): ShowIndex {
    if (this.known === null) throw new StreamError(`'${this.show}' is not open yet; wait for it`);
    return this.known;
  }

  /**
   * Ask for all segments from the chunk at `time` on, null for the newest. Whatever was under way is dropped.
   *
   * Throws StreamError before the show is open, unless the newest chunk is asked for.
   */
  subscribe(time: Ratio | null, rung: number): void {
    const chunk = time === null ? null : this.index.chunkAt(time);
    // The chunk's own start: exact in any case, and no later chunk that only the server knows yet.
    const start = chunk === null ? null : this.index.chunks[chunk].start;
    this.generation += 1;
    this.segment = null;
    this.nextChunk = chunk;
    this.rungs = new Set([rung]);
    this.send({ type: "subscribe", generation: this.generation, time: start, rung });
  }

  /** Ask for another rung from the next chunk on that the server has not begun. */
  switch(rung: number): void {
    this.rungs.add(rung);
    this.send({ type: "switch", generation: this.generation, rung });
  }

  /** Let the server send `bytes` more. Throws FormatError where that is none, or too many at once. */
  grant(bytes: number): void {
    if (this.granted + bytes > MAX_CREDIT_BYTES) {
      throw new FormatError(`${this.granted} and ${bytes} bytes granted; at most ${MAX_CREDIT_BYTES} may be`);
    }
    this.send({ type: "credit", bytes });
    this.granted += bytes;
  }

  /** Ask for a sign of life. */
  ping(id: number): void {
    this.pings.set(id, (this.pings.get(id) ?? 0) + 1);
    this.send({ type: "ping", id });
  }

  /** Say goodbye. */
  leave(reason: string): void {
    this.send({ type: "bye", reason: printable(reason) });
  }

  /**
   * Take one message. Nothing of `data` is kept.
   *
   * Throws StreamError: with a code, the server refuses and would again; without one it breaks the protocol, or its
   * trouble may pass. Throws FormatError: what it sends is no show, or is damaged.
   */
  receive(data: Uint8Array): Event[] {
    if (!isPart(data)) return this.take(decodeMessage(data));
    const { head, payload } = decodePart(data);
    this.granted -= payload.length;
    if (this.granted < 0) throw new StreamError("the server sends more than it was granted");
    return head.kind === FRONT ? this.takeFront(head, payload) : this.takeSegment(head, payload);
  }

  private send(message: Message): void {
    this.outgoing.push(encodeMessage(message));
  }

  private opened(): ShowIndex {
    if (this.known === null) throw new StreamError("the server sends what belongs behind the front before it");
    return this.known;
  }

  /** Bytes of the next part that the server can send at least, 0 where there is nothing to send. */
  private owed(): number {
    const underWay = this.front ?? this.segment;
    if (underWay !== null) return Math.min(underWay.left, MIN_PART_BYTES);
    if (this.known === null || !this.generation) return 0;
    const chunks = this.known.chunks;
    const number = this.nextChunk ?? chunks.length - 1;
    if (number >= chunks.length) return 0;
    const lengths = [...this.rungs].map((rung) => chunks[number].segments[rung].length);
    return Math.min(MIN_PART_BYTES, Math.max(...lengths));
  }

  private take(message: Message): Event[] {
    switch (message.type) {
      case "error": {
        const passing = PASSING_CODES.some((code) => code === message.code);
        throw new StreamError(`the server refuses '${this.show}': ${message.message}`, passing ? "" : message.code);
      }
      case "bye":
        return [{ type: "left", reason: message.reason }];
      case "welcome":
        return this.takeWelcome(message);
      case "pong":
        return this.takePong(message.id);
      case "appended":
        return this.takeGrowth(message);
      case "end":
        return this.takeEnd(message);
      default:
        throw new StreamError(`a server does not send ${message.type}`);
    }
  }

  private takeWelcome(message: MessageOf<"welcome">): Event[] {
    if (this.welcome !== null) throw new StreamError("the server welcomes twice");
    if (!PROTOCOL_VERSIONS.some((version) => version === message.version)) {
      throw new StreamError(`the server chose protocol ${message.version}, which was not offered`, "version");
    }
    this.welcome = message;
    this.grows = message.live;
    this.front = new Assembly(0, 0, message.front_bytes);
    return [];
  }

  private takePong(id: number): Event[] {
    const sent = this.pings.get(id) ?? 0;
    if (!sent) throw new StreamError("the server answers a ping that was not sent");
    if (sent > 1) this.pings.set(id, sent - 1);
    else this.pings.delete(id);
    return [{ type: "ponged", id }];
  }

  private takeGrowth({ first, rows }: MessageOf<"appended">): Event[] {
    const index = this.opened();
    if (!this.grows || first !== index.chunks.length) {
      throw new StreamError(`the server appends chunk ${first} to a show of ${index.chunks.length}`);
    }
    this.known = extended(index, rows);
    return [{ type: "grown", index: this.known }];
  }

  private takeEnd({ generation, chunks: told }: MessageOf<"end">): Event[] {
    const chunks = this.opened().chunks.length;
    if (generation <= this.ended || generation > this.generation || told !== chunks) {
      throw new StreamError(`the server ends a show of ${chunks} chunks after ${told}, or twice`);
    }
    this.grows = false;
    this.ended = generation;
    if (generation < this.generation) return [];
    if (this.segment !== null || this.nextChunk !== chunks) {
      throw new StreamError("the server ends the show before its last chunk");
    }
    return [{ type: "ended" }];
  }

  private takeFront(head: PartHead, payload: Uint8Array): Event[] {
    const front = this.front;
    if (front === null || this.welcome === null || head.offset !== front.received || head.total !== front.total) {
      throw new StreamError("the server sends the front out of order");
    }
    front.add(payload);
    if (front.left) return [];
    this.front = null;
    const { header, manifest, index } = decodeFront(front.whole, this.show);
    if (header.frontBytes !== front.total) {
      throw new FormatError(`${this.show}: ${front.total} bytes of front, of which ${header.frontBytes} are used`);
    }
    this.known = index;
    return [{ type: "opened", manifest, index, live: this.welcome.live }];
  }

  private takeSegment(head: PartHead, payload: Uint8Array): Event[] {
    const index = this.opened();
    if (head.generation > this.generation) {
      throw new StreamError(`the server sends generation ${head.generation}, which nobody asked for`);
    }
    if (head.generation < this.generation) return [];
    const segment = (this.segment ??= this.begin(head, index));
    const next =
      head.chunk === segment.chunk &&
      head.rung === segment.rung &&
      head.offset === segment.received &&
      head.total === segment.total;
    if (!next) throw new StreamError(`the server sends parts of chunk ${segment.chunk} out of order`);
    segment.add(payload);
    const { chunk, rung, received, total } = segment;
    const progress: Event = { type: "progress", chunk, rung, received, total };
    if (segment.left) return [progress];
    this.segment = null;
    this.nextChunk = chunk + 1;
    return [progress, { type: "arrived", chunk, rung, data: segment.whole }];
  }

  private begin(head: PartHead, index: ShowIndex): Assembly {
    const expected = this.nextChunk ?? head.chunk;
    if (head.chunk !== expected || head.chunk >= index.chunks.length) {
      throw new StreamError(`the server sends chunk ${head.chunk}; ${expected} of ${index.chunks.length} is next`);
    }
    if (!this.rungs.has(head.rung) || head.rung >= index.rungCount) {
      throw new StreamError(`the server sends rung ${head.rung}, which nobody asked for`);
    }
    if (head.total !== index.chunks[head.chunk].segments[head.rung].length) {
      throw new StreamError(`the server says that chunk ${head.chunk} has ${head.total} bytes; its index differs`);
    }
    return new Assembly(head.chunk, head.rung, head.total);
  }
}
