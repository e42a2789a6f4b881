/** http:// and https://: a show on any web server, read by byte ranges. SPEC section 8.11. */

import { decodeFront } from "../format/container.ts";
import { FormatError, StreamError, UsageError, located } from "../format/errors.ts";
import { decodeHeader } from "../format/header.ts";
import { FIRST_READ_BYTES, KIB } from "../format/schema.ts";
import type { Opened } from "../session/events.ts";
import type { Address } from "./address.ts";
import * as failures from "./failures.ts";
import { type Copy, checkFirst, checkRange, conditionOf, refusal } from "./http_answer.ts";
import { type Patience, RangeRequest } from "./http_request.ts";
import { PATIENCE } from "./keepalive.ts";
import { type LinkOptions, STALL_S } from "./link.ts";
import { type Fetching, PulledLink, type Segment, type SegmentFetcher } from "./pulled_link.ts";

const AHEAD_ROUND_TRIPS = 1.5; // before the end of a segment the next one is asked for
const AHEAD_S = 0.02;
const TELLING_BYTES = 64 * KIB; // of a body, before they say how fast it comes

/** A link to an http:// or https:// address. */
export function httpLink(address: Address, options: LinkOptions): PulledLink {
  return new PulledLink(address, new HttpFetcher(address, options));
}

/** See pulled_link.ts. One request per segment. */
class HttpFetcher implements SegmentFetcher {
  private opened: Opened | null = null;
  private copy: Copy | null = null;
  /** Where requests go: the address, or where its redirects led. */
  private place: { readonly url: string; readonly origin: string };
  private underWay: RangeRequest | null = null;
  /** The next segment, asked for while one still comes: the way does not idle between two. */
  private ahead: RangeRequest | null = null;
  /** A round trip, and what the server needs to think: the least seen; 0 if unknown. */
  private rttS = 0;
  /** Bytes per second of the newest body that told; 0 if unknown. */
  private rate = 0;

  constructor(
    private readonly address: Address,
    private readonly options: LinkOptions,
  ) {
    this.place = { url: address.url, origin: address.origin };
  }

  /** One request, a second one where manifest and index are long. */
  async open(): Promise<Opened> {
    if (this.isOwn && /[^\x21-\x7e]/.test(this.token)) {
      throw new UsageError("the token has characters that HTTP cannot carry; use letters, digits, '-' and '_'");
    }
    const name = this.address.text;
    let front = await this.first();
    const header = located(name, null, () => decodeHeader(front));
    const { size } = this.copy!;
    if (size !== header.fileBytes) {
      const how = size < header.fileBytes ? "is cut short" : "has bytes behind its end";
      throw new FormatError(`${name}: the show ${how}; it should have ${header.fileBytes} bytes`);
    }
    if (front.length < header.frontBytes) {
      const rest = await this.range(this.ask(front.length, header.frontBytes - front.length));
      const both = new Uint8Array(header.frontBytes);
      both.set(front);
      both.set(rest, front.length);
      front = both;
    }
    const { manifest, index } = decodeFront(front, name);
    return (this.opened = { type: "opened", manifest, index, live: false });
  }

  async fetch(segment: Segment, { signal, fresh, progress, ahead }: Fetching): Promise<Uint8Array> {
    const { start, length } = this.extentOf(segment);
    const request = this.takeAhead(start, fresh) ?? this.ask(start, length, fresh);
    const abort = (): void => {
      request.abort();
      this.dropAhead();
    };
    signal.addEventListener("abort", abort);
    try {
      return await this.range(request, (received) => {
        progress(received);
        this.askAhead(length - received, ahead);
      });
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  close(): void {
    this.underWay?.abort();
    this.dropAhead();
  }

  /** Offset and length in the file. */
  private extentOf({ chunk, rung }: Segment): { start: number; length: number } {
    if (this.opened === null) throw new StreamError(`${this.address.text} is not open yet; wait for it`);
    const { offset, length } = this.opened.index.chunks[chunk].segments[rung];
    return { start: offset, length };
  }

  /** Ask for the next segment a good round trip before the `left` bytes of this one are here. */
  private askAhead(left: number, ahead: () => Segment | null): void {
    if (this.ahead !== null || !left || left > this.rate * (AHEAD_ROUND_TRIPS * this.rttS + AHEAD_S)) return;
    const segment = ahead();
    if (segment === null) return;
    const { start, length } = this.extentOf(segment);
    this.ahead = this.ask(start, length);
  }

  /** What was asked for ahead, where it is this. */
  private takeAhead(start: number, fresh: boolean): RangeRequest | null {
    const { ahead } = this;
    if (ahead?.asked.start === start && !fresh) {
      this.ahead = null;
      return ahead;
    }
    this.dropAhead();
    return null;
  }

  private dropAhead(): void {
    this.ahead?.abort();
    this.ahead = null;
  }

  private ask(start: number, length: number, fresh = false): RangeRequest {
    return new RangeRequest({ url: this.url(), headers: this.headers(), start, length, fresh });
  }

  /** The file's first bytes. From then on its copy is known, and where it lies. */
  private async first(): Promise<Uint8Array> {
    const { connectS } = this.options;
    const patience = { ...this.patience, seconds: connectS, late: () => failures.late(this.address, connectS) };
    const request = this.ask(0, FIRST_READ_BYTES);
    const response = await this.head(request, patience);
    if (response.redirected) this.place = { url: response.url, origin: new URL(response.url).origin };
    const { length, copy } = await this.checked(request, response, () =>
      checkFirst(this.address, response, FIRST_READ_BYTES),
    );
    this.copy = copy;
    return this.body(request, response, length);
  }

  /** Bytes of the copy that is known. */
  private async range(request: RangeRequest, progress?: (received: number) => void): Promise<Uint8Array> {
    const { start, length } = request.asked;
    const response = await this.head(request, this.patience);
    await this.checked(request, response, () => checkRange(this.address, response, this.copy!, start, length));
    return this.body(request, response, length, progress);
  }

  private async head(request: RangeRequest, patience: Patience): Promise<Response> {
    this.underWay = request;
    const broken = () => failures.unreachable(this.address, this.options.origin);
    const { response, tookS } = await request.head({ ...patience, broken });
    this.rttS = Math.min(this.rttS || Infinity, tookS);
    return response;
  }

  /** What `check` gives; where it throws, or the server refuses in words, nothing more is read. */
  private async checked<T>(request: RangeRequest, response: Response, check: () => T): Promise<T> {
    try {
      if (response.status >= 400 && response.status !== 412 && response.status !== 416) {
        throw refusal(this.address, response, await request.words(response, this.patience));
      }
      return check();
    } catch (error) {
      request.abort();
      throw error;
    }
  }

  private body(
    request: RangeRequest,
    response: Response,
    length: number,
    progress: (received: number) => void = () => {},
  ): Promise<Uint8Array> {
    return request.body(response, length, this.patience, (received, rate) => {
      if (received >= TELLING_BYTES) this.rate = rate;
      progress(received);
    });
  }

  /** For what comes of a server that has answered before. */
  private get patience(): Patience {
    const seconds = Math.max(STALL_S, PATIENCE * this.rttS);
    return {
      seconds,
      late: () => failures.silent(this.address, seconds),
      broken: () => failures.closed(this.address),
    };
  }

  /** To other origins the token goes in the query: a header of its own would need to be allowed there first. */
  private url(): string {
    const { url } = this.place;
    if (!this.token || !this.isNamed || this.isOwn) return url;
    return `${url}${url.includes("?") ? "&" : "?"}token=${encodeURIComponent(this.token)}`;
  }

  private headers(): Record<string, string> {
    const headers: Record<string, string> = {};
    if (this.token && this.isNamed && this.isOwn) headers.Authorization = `Bearer ${this.token}`;
    const condition = this.copy === null ? null : conditionOf(this.copy);
    // Another origin would have to allow this header first (a preflight), which plain web servers do not. There the
    // tag and the size of each answer say the same a little later (`checkRange`).
    if (condition !== null && this.isOwn) headers["If-Range"] = condition;
    return headers;
  }

  private get token(): string {
    return this.address.token || this.options.token;
  }

  /** Whether requests go to the server that was named: the token is for that one. */
  private get isNamed(): boolean {
    return this.place.origin === this.address.origin;
  }

  /** Whether requests go to the server that the page comes from. */
  private get isOwn(): boolean {
    return this.place.origin === this.options.origin;
  }
}
