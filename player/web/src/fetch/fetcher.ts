/** Keeps the segment buffer filled over one link after another: where to begin, at which rung, when to try again. */

import { StreamError } from "../format/errors.ts";
import type { ChunkEntry, ShowIndex } from "../format/show_index.ts";
import { sameBytes } from "../format/digest.ts";
import { same } from "../format/ratio.ts";
import type { Opened, Progress } from "../session/events.ts";
import type { Delivery, Link } from "../source/link.ts";
import { monotonicS } from "../source/monotonic.ts";
import type { RungChooser } from "./abr.ts";
import { Bell } from "./bell.ts";
import { Meter } from "./meter.ts";
import { openedInTime } from "./opening.ts";
import type { SegmentBuffer } from "./segments.ts";

const TICK_S = 0.2;
const FIRST_PAUSE_S = 0.1;
const LONGEST_PAUSE_S = 1;
// Where links open and yet bring nothing, each one is a burden for a server that may have too many.
const LONGEST_FRUITLESS_S = 8;
const FIRST_CONNECT_S = 1;
const LONGEST_CONNECT_S = 8;
const CONNECT_GROWTH = 1.3;
const RATES_OF = 2; // chunks whose sizes say what a rung costs now

/** A new link that may take so many seconds to connect. */
export type Connect = (connectS: number) => Link;

/** What has happened so far. */
export interface FetchFigures {
  connected: boolean;
  /** Why nothing comes, in words; empty while segments do. */
  trouble: string;
  reconnects: number;
  switches: number;
  givenUp: number;
  bytes: number;
  /** Of the steady clock, when the newest chunk of a live show was told. */
  grownAt: number;
}

export class Fetcher {
  readonly figures: FetchFigures = {
    connected: true,
    trouble: "",
    reconnects: 0,
    switches: 0,
    givenUp: 0,
    bytes: 0,
    grownAt: monotonicS(),
  };
  /** Rung when what is wanted may have changed. */
  readonly moved = new Bell();
  /** Something of the figures, the index or the buffer has changed. */
  onChange: () => void = () => {};
  private readonly opened: Opened;
  private readonly giveUpS: number;
  private readonly meter: Meter;
  private coming: number | null = null;
  private rung = 0;
  private flowing = false;
  private progress: Progress | null = null;
  private lastChoice: number | null = null;
  /** Links in a row that brought no segment. */
  private fruitless = 0;
  private troubledSince: number | null = null;

  /** @param options what the first link said, and how long an outage may last. */
  constructor(
    private readonly connect: Connect,
    private readonly segments: SegmentBuffer,
    private readonly chooser: RungChooser,
    { opened, giveUpS }: { opened: Opened; giveUpS: number },
  ) {
    this.opened = opened;
    this.giveUpS = giveUpS;
    this.meter = new Meter(chooser.throughput);
  }

  /**
   * Deliver over `link`, which is open, and over others when it is lost, until the signal is aborted.
   *
   * Rejects with StreamError: refused, another show, or no way back within `giveUpS`; with FormatError: what came is no
   * show; with the signal's reason.
   */
  async run(link: Link, signal: AbortSignal): Promise<never> {
    for (;;) {
      try {
        await this.deliver(link, signal);
      } catch (error) {
        this.endure(error);
      } finally {
        link.close();
      }
      this.figures.connected = false;
      this.onChange();
      if (this.fruitless) {
        const pause = FIRST_PAUSE_S * 2 ** Math.min(this.fruitless, 16);
        await sleep(Math.min(pause, LONGEST_FRUITLESS_S), signal);
      }
      this.fruitless += 1;
      link = await this.again(signal);
      this.figures.connected = true;
      this.figures.reconnects += 1;
      this.onChange();
    }
  }

  /** The rungs that may be used are others now: what is under way of one that is not is given up. */
  reconsider(used: (rung: number) => boolean): void {
    if (!used(this.progress?.rung ?? this.rung)) this.coming = this.progress = null;
    this.moved.ring();
  }

  /** A new link to the same show, as soon as there is one. */
  private async again(signal: AbortSignal): Promise<Link> {
    let [pause, patience] = [FIRST_PAUSE_S, FIRST_CONNECT_S];
    for (;;) {
      const link = this.connect(patience);
      try {
        this.checkSame(await openedInTime(link, signal));
        return link;
      } catch (error) {
        link.close();
        this.endure(error);
      }
      await sleep(pause, signal);
      pause = Math.min(2 * pause, LONGEST_PAUSE_S);
      patience = Math.min(CONNECT_GROWTH * patience, LONGEST_CONNECT_S);
    }
  }

  /** Throws the error, but for what may pass and has not lasted too long. */
  private endure(error: unknown): void {
    if (!(error instanceof StreamError) || error.code || this.tired()) throw error;
    this.figures.trouble = error.message;
  }

  /** Whether nothing has come for so long that it is to be given up. */
  private tired(): boolean {
    const now = monotonicS();
    this.troubledSince ??= now;
    return now - this.troubledSince > this.giveUpS;
  }

  private checkSame(opened: Opened): void {
    const [known, found] = [this.segments.index.chunks, opened.index.chunks];
    // A live show grows, and lies elsewhere in its file once it is finished: times, sizes and digests stay.
    const lasting = found.length === known.length || (this.opened.live && found.length > known.length);
    if (!lasting || !known.every((chunk, number) => alike(chunk, found[number]))) {
      throw new StreamError("the show has changed on the server; open it again", "show");
    }
    if (found.length > known.length) this.extend(opened.index);
    if (!opened.live) this.segments.finish();
  }

  private extend(index: ShowIndex): void {
    this.segments.extend(index);
    this.figures.grownAt = monotonicS();
    this.onChange();
  }

  private async deliver(link: Link, signal: AbortSignal): Promise<void> {
    this.coming = this.progress = null;
    this.flowing = true;
    this.meter.rest();
    const run = { over: false };
    const receiving = this.receive(link, run).finally(() => {
      run.over = true;
      this.moved.ring();
    });
    receiving.catch(() => {}); // told below
    try {
      while (!run.over) {
        this.steer(link);
        await this.moved.next({ seconds: TICK_S, signal });
        this.meter.tick(monotonicS());
      }
      await receiving;
    } finally {
      run.over = true; // what the link still tells is nobody's any more
    }
  }

  /** Comes to its end where the server leaves. */
  private async receive(link: Link, run: { readonly over: boolean }): Promise<void> {
    for (;;) {
      const event = await link.receive();
      if (run.over || event.type === "left") return;
      this.take(event);
      this.steer(link);
    }
  }

  private take(event: Delivery): void {
    const now = monotonicS();
    switch (event.type) {
      case "progress": {
        const { progress } = this;
        const continues = progress !== null && event.chunk === progress.chunk && event.received > progress.received;
        const count = event.received - (continues ? progress.received : 0);
        this.progress = event;
        this.figures.bytes += count;
        // What still comes while nothing flows was granted before: it may come slowly.
        if (this.flowing) this.meter.add(count, now);
        break;
      }
      case "arrived":
        this.progress = this.troubledSince = null;
        this.fruitless = 0;
        this.figures.trouble = "";
        this.meter.segmentDone(now);
        this.segments.put(event.chunk, event.rung, event.data);
        this.coming = event.chunk + 1;
        this.onChange();
        break;
      case "grown":
        this.extend(event.index);
        break;
      case "ended":
        this.segments.finish();
        this.coming = null;
        this.meter.rest();
        this.onChange();
        break;
    }
  }

  /** Let the link do what the buffer needs now. */
  private steer(link: Link): void {
    const wanted = this.segments.missing() ?? this.improvable();
    const { chunks } = this.segments.index;
    if (wanted === null) {
      if (this.flowing && this.progress === null) {
        this.flowing = false;
        link.flow(false);
        this.meter.rest();
      }
      return;
    }
    if (!this.flowing) {
      this.flowing = true;
      link.flow(true);
      this.meter.begin(monotonicS());
    }
    if (wanted !== this.coming) this.begin(link, wanted);
    else if (wanted === chunks.length) {
      if (this.progress === null) this.meter.rest(); // at the live edge nothing is late
    } else if (this.progress !== null) this.perhapsGiveUp(link, this.progress);
    else this.switch(link, wanted);
  }

  /** Where nothing is missing, what came at first, at a low rung, is fetched once more before it is played again. */
  private improvable(): number | null {
    if (this.chooser.locked !== null || this.chooser.throughput.estimate === null) return null;
    const { rungs } = this.opened.manifest;
    return this.segments.improvable((chunk, rung) => {
      const best = this.chooser.choose(this.rates(chunk), monotonicS());
      return rungs[best].bitsPerSecond > rungs[rung].bitsPerSecond;
    });
  }

  private choose(chunk: number): number {
    const rung = this.chooser.choose(this.rates(chunk), monotonicS());
    if (this.lastChoice !== null && rung !== this.lastChoice) this.figures.switches += 1;
    if (rung !== this.lastChoice) this.onChange();
    this.lastChoice = rung;
    return rung;
  }

  private begin(link: Link, chunk: number): void {
    const { chunks } = this.segments.index;
    const at = Math.min(chunk, chunks.length - 1);
    this.rung = this.choose(at);
    // Behind the newest chunk of a live show: the newest comes once more, and then each as it is made.
    this.coming = chunk;
    this.progress = null;
    link.begin(chunks[at].start, this.rung, this.segments.distrusts(at));
    this.meter.begin(monotonicS());
  }

  private switch(link: Link, chunk: number): void {
    const rung = this.choose(chunk);
    if (rung === this.rung) return;
    this.rung = rung;
    link.switch(rung);
  }

  private perhapsGiveUp(link: Link, underWay: Progress): void {
    const { segments } = this.segments.index.chunks[underWay.chunk];
    this.switch(link, underWay.chunk);
    if (this.rung === underWay.rung) return;
    const leftBits = 8 * (underWay.total - underWay.received);
    const lowerBits = 8 * segments[this.rung].length;
    if (this.chooser.givesUp({ leftBits, lowerBits, bufferS: this.segments.aheadS() })) {
      this.figures.givenUp += 1;
      this.begin(link, underWay.chunk);
    }
  }

  /** Bits per second of each rung around a chunk, the most of the next ones. */
  private rates(chunk: number): number[] {
    const chunks = this.segments.index.chunks.slice(chunk, chunk + RATES_OF);
    return chunks[0].segments.map((_, rung) =>
      Math.max(...chunks.map((c) => (8 * c.segments[rung].length) / c.duration.toSeconds())),
    );
  }
}

/** About so long: not all players come back at once. Rejects with the signal's reason. */
async function sleep(seconds: number, signal: AbortSignal): Promise<void> {
  await new Bell().next({ seconds: seconds * (0.8 + 0.4 * Math.random()), signal });
}

function alike(a: ChunkEntry, b: ChunkEntry): boolean {
  return (
    same(a.start, b.start) &&
    same(a.duration, b.duration) &&
    a.frameCount === b.frameCount &&
    a.segments.length === b.segments.length &&
    a.segments.every(
      (segment, rung) =>
        segment.length === b.segments[rung].length && sameBytes(segment.digest, b.segments[rung].digest),
    )
  );
}
