/** A link that fetches segments itself, one after the other, from what does not send by itself: a web server. */

import { StreamError } from "../format/errors.ts";
import type { Ratio } from "../format/ratio.ts";
import { MIB } from "../format/schema.ts";
import type { Opened } from "../session/events.ts";
import type { Address } from "./address.ts";
import { type Delivery, type Link, checkRung } from "./link.ts";
import { Mailbox } from "./mailbox.ts";

const UNREAD_BYTES = 32 * MIB; // nothing more is fetched while so many are here and nobody takes them

export interface Segment {
  readonly chunk: number;
  readonly rung: number;
}

/** How a segment is fetched. */
export interface Fetching {
  readonly signal: AbortSignal;
  /** From the server itself, not out of a cache on the way. */
  readonly fresh: boolean;
  /** Told how many bytes are here. */
  readonly progress: (received: number) => void;
  /** Says, once, what comes next, where that may begin already. It need not be asked. */
  readonly ahead: () => Segment | null;
}

/** Where the bytes come from. One call at a time; an aborted one leaves it usable. */
export interface SegmentFetcher {
  /** As Link.open. */
  open(): Promise<Opened>;
  /** The segment's bytes, as many as the index says. Rejects with LfvError, or with the signal's reason. */
  fetch(segment: Segment, how: Fetching): Promise<Uint8Array>;
  /** Let go of everything. */
  close(): void;
}

/** A link (see link.ts) over a fetcher. The show does not grow. */
export class PulledLink implements Link {
  private readonly mail = new Mailbox();
  private opened: Opened | null = null;
  private rung = 0;
  private flows = true;
  private room: () => void = () => {};
  private run = new AbortController();
  /** A new run begins when the one before it, which was aborted, has let go of the fetcher. */
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly address: Address,
    private readonly fetcher: SegmentFetcher,
  ) {}

  async open(): Promise<Opened> {
    try {
      return (this.opened = await this.fetcher.open());
    } catch (error) {
      // Who closes it while it opens is the reason of what failed.
      const reason = this.mail.error ?? error;
      this.close();
      throw reason;
    }
  }

  begin(time: Ratio | null, rung: number, fresh: boolean): void {
    const { index } = this.openedFor(rung);
    const chunk = time === null ? index.chunks.length - 1 : index.chunkAt(time);
    this.stop();
    this.mail.dropSegments();
    this.rung = rung;
    if (this.mail.error !== null) return;
    const { signal } = (this.run = new AbortController());
    this.last = this.last.then(() => this.deliver(chunk, fresh, signal));
  }

  switch(rung: number): void {
    this.openedFor(rung);
    this.rung = rung;
  }

  flow(open: boolean): void {
    this.flows = open;
    this.room();
  }

  async receive(): Promise<Delivery> {
    const event = await this.mail.get();
    this.room();
    return event as Delivery; // what opened it was never put there
  }

  close(): void {
    this.mail.fail(new StreamError(`${this.address.text} is closed`));
    this.stop();
    this.fetcher.close();
  }

  private stop(): void {
    this.run.abort();
    this.room();
  }

  /** Never rejects: what goes wrong is told by `receive`. */
  private async deliver(first: number, fresh: boolean, signal: AbortSignal): Promise<void> {
    try {
      await this.deliverAll(first, fresh, signal);
    } catch (error) {
      if (!signal.aborted) this.mail.fail(error as Error);
    }
  }

  private async deliverAll(first: number, fresh: boolean, signal: AbortSignal): Promise<void> {
    const { chunks } = this.openedFor(this.rung).index;
    let begun: Segment | null = null;
    for (let chunk = first; chunk < chunks.length; chunk++) {
      if (begun === null) await this.waitForRoom(signal);
      signal.throwIfAborted();
      const segment: Segment = begun ?? { chunk, rung: this.rung };
      begun = null;
      const total = chunks[chunk].segments[segment.rung].length;
      const data = await this.fetcher.fetch(segment, {
        signal,
        fresh: fresh && chunk === first,
        progress: (received) => this.mail.put({ type: "progress", ...segment, received, total }),
        ahead: () => {
          const next = chunk + 1 < chunks.length && this.hasRoom;
          return next ? (begun = { chunk: chunk + 1, rung: this.rung }) : null;
        },
      });
      signal.throwIfAborted();
      this.mail.put({ type: "arrived", ...segment, data });
    }
    this.mail.put({ type: "ended" });
  }

  private get hasRoom(): boolean {
    return this.flows && this.mail.unread <= UNREAD_BYTES;
  }

  private async waitForRoom(signal: AbortSignal): Promise<void> {
    while (!this.hasRoom && !signal.aborted) {
      await new Promise<void>((resolve) => (this.room = resolve));
    }
  }

  private openedFor(rung: number): Opened {
    if (this.opened === null) throw new StreamError(`${this.address.text} is not open yet; wait for it`);
    checkRung(this.address, rung, this.opened.index);
    return this.opened;
  }
}
