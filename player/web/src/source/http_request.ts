/** One request for a range of a file: its head, then its body as it comes. */

import { StreamError } from "../format/errors.ts";
import { monotonicS } from "./monotonic.ts";

const MOST_WORDS = 1024; // bytes of a refusal's text

/** What to ask for. */
export interface RangeAsked {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes [start, start + length) of the file. */
  readonly start: number;
  readonly length: number;
  /** From the server itself, not out of a cache on the way. */
  readonly fresh: boolean;
}

/** How long to wait for more, and the errors for what may happen meanwhile. */
export interface Patience {
  readonly seconds: number;
  readonly late: () => StreamError;
  readonly broken: () => StreamError;
}

/** It is sent at once. What waits for it after `abort` rejects with an AbortError. */
export class RangeRequest {
  private readonly control = new AbortController();
  private readonly answer: Promise<Response>;
  private readonly began = monotonicS();

  constructor(readonly asked: RangeAsked) {
    const { url, headers, start, length, fresh } = asked;
    this.answer = fetch(url, {
      headers: { ...headers, Range: `bytes=${start}-${start + length - 1}` },
      // The file never changes (SPEC 1.4), so caches may keep its ranges; what came damaged is asked of the server.
      cache: fresh ? "reload" : "default",
      signal: this.control.signal,
    });
    this.answer.catch(() => {}); // told where it is awaited, if it ever is
  }

  abort(): void {
    this.control.abort();
  }

  /** The answer's head, and how many seconds it took. */
  async head(patience: Patience): Promise<{ response: Response; tookS: number }> {
    const response = await this.within(this.answer, patience);
    return { response, tookS: monotonicS() - this.began };
  }

  /**
   * The body of the answer, which has exactly `length` bytes; `progress` is told how many are here, and bytes per second.
   *
   * Rejects with StreamError.
   */
  async body(
    response: Response,
    length: number,
    patience: Patience,
    progress: (received: number, rate: number) => void,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const out = new Uint8Array(length);
    const began = monotonicS();
    let received = 0;
    for await (const piece of this.pieces(response, patience)) {
      if (received + piece.length > length) {
        this.abort();
        throw new StreamError(`${this.asked.url.split("?", 1)[0]} sends more than ${length} bytes, which it announced`);
      }
      out.set(piece, received);
      received += piece.length;
      progress(received, received / Math.max(monotonicS() - began, 1e-4));
    }
    if (received < length) throw patience.broken();
    return out;
  }

  /** The beginning of what a server says about its refusal, as far as it comes soon. */
  async words(response: Response, patience: Patience): Promise<string> {
    const decoder = new TextDecoder();
    let text = "";
    let received = 0;
    try {
      for await (const piece of this.pieces(response, patience)) {
        text += decoder.decode(piece.subarray(0, MOST_WORDS - received), { stream: true });
        received += piece.length;
        if (received >= MOST_WORDS) break;
      }
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
    }
    return text;
  }

  private async *pieces(response: Response, patience: Patience): AsyncGenerator<Uint8Array> {
    const reader = response.body?.getReader();
    while (reader !== undefined) {
      const { done, value } = await this.within(reader.read(), patience);
      if (done) return;
      yield value;
    }
  }

  /** What the promise gives. Where it fails or takes too long, nothing more is read. */
  private async within<T>(promise: Promise<T>, { seconds, late, broken }: Patience): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(late()), 1000 * seconds);
    });
    try {
      return await Promise.race([promise, tired]);
    } catch (error) {
      const { signal } = this.control;
      if (signal.aborted) throw signal.reason;
      this.abort();
      throw error instanceof StreamError ? error : broken();
    } finally {
      clearTimeout(timer);
    }
  }
}
