/** http:// and https://: a show on any web server, read by byte ranges. SPEC section 8.11. */

import { decodeFront } from "../format/container.ts";
import { FormatError, StreamError, UsageError, located } from "../format/errors.ts";
import { decodeHeader } from "../format/header.ts";
import { FIRST_READ_BYTES, KIB } from "../format/schema.ts";
import type { Opened } from "../session/events.ts";
import type { Address } from "./address.ts";
import * as failures from "./failures.ts";
import { type Copy, checkFirst, checkRange, conditionOf, refusal } from "./http_answer.ts";
import { PATIENCE } from "./keepalive.ts";
import { type LinkOptions, STALL_S } from "./link.ts";
import { monotonicS } from "./monotonic.ts";
import { type Fetching, PulledLink, type Segment, type SegmentFetcher } from "./pulled_link.ts";

const AHEAD_ROUND_TRIPS = 1.5; // before the end of a segment the next one is asked for
const AHEAD_S = 0.02;
const TELLING_BYTES = 64 * KIB; // of a body, before they say how fast it comes
const MOST_WORDS = 1024; // bytes of a refusal's text

/** A request that is under way. */
interface Asked {
  readonly start: number;
  readonly length: number;
  readonly at: number;
  readonly control: AbortController;
  readonly answer: Promise<Response>;
}

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
  private underWay: Asked | null = null;
  /** The next segment, asked for while one still comes: the way does not idle between two. */
  private ahead: Asked | null = null;
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
    const name = this.address.text;
    const { connectS } = this.options;
    if (this.isOwn && /[^\x21-\x7e]/.test(this.token)) {
      throw new UsageError("the token has characters that HTTP cannot carry; use letters, digits, '-' and '_'");
    }
    const asked = this.ask(0, FIRST_READ_BYTES);
    const response = await this.head(asked, connectS, () => failures.late(this.address, connectS));
    if (response.redirected) this.place = { url: response.url, origin: new URL(response.url).origin };
    const { length, copy } = await this.checked(response, () => checkFirst(this.address, response, FIRST_READ_BYTES));
    this.copy = copy;
    let front = await this.body(asked, response, length);
    const header = located(name, null, () => decodeHeader(front));
    if (copy.size !== header.fileBytes) {
      const how = copy.size < header.fileBytes ? "is cut short" : "has bytes behind its end";
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
    const asked = this.takeAhead(start, length, fresh) ?? this.ask(start, length, fresh);
    const abort = (): void => {
      asked.control.abort();
      this.dropAhead();
    };
    signal.addEventListener("abort", abort);
    try {
      return await this.range(asked, (received) => {
        progress(received);
        this.askAhead(length - received, ahead);
      });
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  close(): void {
    this.underWay?.control.abort();
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
  private takeAhead(start: number, length: number, fresh: boolean): Asked | null {
    const { ahead } = this;
    if (ahead !== null && ahead.start === start && ahead.length === length && !fresh) {
      this.ahead = null;
      return ahead;
    }
    this.dropAhead();
    return null;
  }

  private dropAhead(): void {
    this.ahead?.control.abort();
    this.ahead = null;
  }

  private ask(start: number, length: number, fresh = false): Asked {
    const control = new AbortController();
    const answer = fetch(this.url(), {
      headers: this.headers(start, length),
      // The file never changes (SPEC 1.4), so caches may keep its ranges; what came damaged is asked of the server.
      cache: fresh ? "reload" : "default",
      signal: control.signal,
    });
    answer.catch(() => {}); // told where it is awaited, if it ever is
    return { start, length, at: monotonicS(), control, answer };
  }

  /** Bytes of the copy that was opened. */
  private async range(asked: Asked, progress: (received: number) => void = () => {}): Promise<Uint8Array> {
    const response = await this.head(asked, this.patienceS, () => failures.silent(this.address, this.patienceS));
    const { start, length } = asked;
    await this.checked(response, () => checkRange(this.address, response, this.copy!, start, length));
    return this.body(asked, response, length, progress);
  }

  private get patienceS(): number {
    return Math.max(STALL_S, PATIENCE * this.rttS);
  }

  /** The head of the answer. */
  private async head(asked: Asked, withinS: number, late: () => StreamError): Promise<Response> {
    this.underWay = asked;
    const response = await within(asked, asked.answer, withinS, late, () =>
      failures.unreachable(this.address, this.options.origin),
    );
    const tookS = monotonicS() - asked.at;
    this.rttS = Math.min(this.rttS || Infinity, tookS);
    return response;
  }

  /** What `check` gives; where it throws, or the server refuses in words, nothing more is read. */
  private async checked<T>(response: Response, check: () => T): Promise<T> {
    try {
      if (response.status >= 400 && response.status !== 412 && response.status !== 416) {
        throw refusal(this.address, response, await this.words(response));
      }
      return check();
    } catch (error) {
      this.underWay?.control.abort();
      throw error;
    }
  }

  private async body(
    asked: Asked,
    response: Response,
    length: number,
    progress: (received: number) => void = () => {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    const out = new Uint8Array(length);
    const reader = response.body!.getReader();
    const began = monotonicS();
    let received = 0;
    for (;;) {
      const silent = () => failures.silent(this.address, this.patienceS);
      const { done, value } = await within(asked, reader.read(), this.patienceS, silent, () =>
        failures.closed(this.address),
      );
      if (done) break;
      if (received + value.length > length) {
        asked.control.abort();
        throw new StreamError(`${this.address.text} sends more than ${length} bytes, which it announced`);
      }
      out.set(value, received);
      received += value.length;
      const elapsed = monotonicS() - began;
      if (received >= TELLING_BYTES && elapsed > 0) this.rate = received / elapsed;
      progress(received);
    }
    if (received < length) throw failures.closed(this.address);
    return out;
  }

  /** What a server says about its refusal, as far as it comes soon. */
  private async words(response: Response): Promise<string> {
    const bytes = new Uint8Array(MOST_WORDS);
    let received = 0;
    try {
      const reader = response.body?.getReader();
      while (reader !== undefined && received < MOST_WORDS) {
        const { done, value } = await within(this.underWay!, reader.read(), this.patienceS, noWords, noWords);
        if (done) break;
        const piece = value.subarray(0, MOST_WORDS - received);
        bytes.set(piece, received);
        received += piece.length;
      }
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
    }
    return new TextDecoder().decode(bytes.subarray(0, received));
  }

  /** To other origins the token goes in the query: a header of its own would need to be allowed there first. */
  private url(): string {
    const { url } = this.place;
    if (!this.token || !this.isNamed || this.isOwn) return url;
    return `${url}${url.includes("?") ? "&" : "?"}token=${encodeURIComponent(this.token)}`;
  }

  private headers(start: number, length: number): Record<string, string> {
    const headers: Record<string, string> = { Range: `bytes=${start}-${start + length - 1}` };
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

function noWords(): StreamError {
  return new StreamError("it says nothing");
}

/**
 * What the promise gives. A network that fails becomes the error of `broken`; after `seconds` the request is given up and
 * the error is that of `late`. A request that was aborted rejects with its signal's reason.
 */
async function within<T>(
  { control }: Asked,
  promise: Promise<T>,
  seconds: number,
  late: () => StreamError,
  broken: () => StreamError,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), 1000 * seconds);
  });
  try {
    return await Promise.race([promise, patience]);
  } catch (error) {
    if (control.signal.aborted) throw control.signal.reason;
    control.abort();
    throw error instanceof StreamError ? error : broken();
  } finally {
    clearTimeout(timer);
  }
}
