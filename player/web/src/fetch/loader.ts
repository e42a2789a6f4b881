/** A show from anywhere: connects, fetches ahead, adapts the rung, and finds its way back after an outage. */

import type { Chunk } from "../format/chunk.ts";
import { prepareDigest } from "../format/digest.ts";
import { LfvError, StreamError, UsageError } from "../format/errors.ts";
import type { Manifest } from "../format/manifest.ts";
import { MIB } from "../format/schema.ts";
import type { ShowIndex } from "../format/show_index.ts";
import type { Opened } from "../session/events.ts";
import { type Address, parseAddress, websocketAddress } from "../source/address.ts";
import { ONLY_LIVE } from "../source/failures.ts";
import { LINK_OPTIONS, type Link } from "../source/link.ts";
import { monotonicS } from "../source/monotonic.ts";
import { openLink } from "../source/open_link.ts";
import { RungChooser } from "./abr.ts";
import { type Connect, Fetcher } from "./fetcher.ts";
import { openedInTime } from "./opening.ts";
import { SegmentBuffer } from "./segments.ts";

/** How a show is fetched. */
export interface LoaderConfig {
  /** The name of the only rung to use, where it may be; null adapts. */
  readonly rung: string | null;
  /** Seconds of the show that are fetched ahead. */
  readonly aheadS: number;
  /** Bytes that segments may take, those that were played included. */
  readonly memory: number;
  /** How long an outage may last, seconds. */
  readonly giveUpS: number;
  /** After the end comes the start. */
  readonly loop: boolean;
  /** What lets the player in; one in the address goes before it. */
  readonly token: string;
}

export const LOADER_CONFIG: LoaderConfig = {
  rung: null,
  aheadS: 12,
  memory: 256 * MIB,
  giveUpS: 300,
  loop: true,
  token: "",
};

/** For people: what is going on, and what happened so far. */
export interface LoaderFigures {
  /** The one asked for now, and whether it was fixed. */
  readonly rung: number;
  readonly locked: boolean;
  /** Bits per second, null before anything was measured. */
  readonly throughput: number | null;
  readonly aheadS: number;
  readonly connected: boolean;
  /** Why nothing comes, in words; empty while segments do. */
  readonly trouble: string;
  readonly reconnects: number;
  readonly switches: number;
  /** Segments under way that made room for a lower rung. */
  readonly givenUp: number;
  /** Of segments, that came. */
  readonly bytes: number;
}

interface Start {
  readonly connect: Connect;
  readonly link: Link;
  readonly opened: Opened;
}

export class Loader {
  readonly manifest: Manifest;
  /** The chunk to begin with: the show's first, or the newest of a live show. */
  readonly firstChunk: number;
  /** Told when something of the index, the buffer or the figures has changed. */
  onChange: () => void = () => {};
  private readonly link: Link;
  private readonly chooser: RungChooser;
  private readonly segments: SegmentBuffer;
  private readonly fetcher: Fetcher;
  private readonly frameS: number;
  private readonly end = new AbortController();
  private begun = false;

  private constructor({ connect, link, opened }: Start, config: LoaderConfig) {
    const { manifest, index, live } = opened;
    this.manifest = manifest;
    this.link = link;
    this.firstChunk = live ? index.chunks.length - 1 : 0;
    this.frameS = manifest.frameRate === null ? 0 : 1 / manifest.frameRate.toSeconds();
    this.chooser = new RungChooser(manifest.rungs.map((rung) => rung.bitsPerSecond));
    this.chooser.lock(config.rung === null ? null : rungNamed(manifest, config.rung));
    this.segments = new SegmentBuffer(index, {
      reach: { seconds: config.aheadS, memory: config.memory },
      position: this.firstChunk,
      live,
      loop: config.loop,
    });
    this.fetcher = new Fetcher(connect, this.segments, this.chooser, { opened, giveUpS: config.giveUpS });
    this.segments.onMove = () => {
      this.fetcher.moved.ring();
      this.onChange();
    };
    this.fetcher.onChange = () => this.onChange();
  }

  /**
   * Connects and reads what the show is.
   *
   * It fetches no segment before `allow` says which rungs may be used: what the device decodes can only be asked once
   * the rungs are known, and a segment that cannot be shown would be seconds of the network for nothing.
   *
   * Rejects with StreamError, FormatError: it cannot be had; UsageError: the address cannot be meant, or the show has no
   * such rung; with the signal's reason.
   */
  static async open(address: URL | string, config: Partial<LoaderConfig> = {}, signal?: AbortSignal): Promise<Loader> {
    const whole = { ...LOADER_CONFIG, ...config };
    const page = globalThis.location?.href;
    const found = parseAddress(address, page?.startsWith("http") ? page : undefined);
    await prepareDigest();
    const start = await startAt(found, whole.token, signal);
    try {
      return new Loader(start, whole);
    } catch (error) {
      start.link.close();
      throw error;
    }
  }

  /** As far as it is known; grows while the show is live. */
  get index(): ShowIndex {
    return this.segments.index;
  }

  /** More chunks may come. */
  get live(): boolean {
    return this.segments.live;
  }

  /** Where the live edge is now, seconds of the show: it moves on between one chunk's news and the next's. */
  edge(): number {
    const { newest } = this.index;
    const since = monotonicS() - this.fetcher.figures.grownAt;
    return newest.end.toSeconds() + Math.min(since, newest.duration.toSeconds());
  }

  /**
   * The chunk, waiting for it; the play position moves there. null behind the end of a finished show.
   *
   * Rejects with FormatError, StreamError: it cannot come; with the signal's reason.
   */
  chunk(number: number, signal: AbortSignal): Promise<Chunk | null> {
    return this.segments.take(number, signal);
  }

  /** Told how long decoding or drawing one frame of a rung took. */
  spent(rung: number, seconds: number): void {
    this.chooser.spent(rung, seconds, { interval: this.frameS, now: monotonicS() });
  }

  /** Only these rungs may be used from now on; what is here of others is forgotten. Throws UsageError for none. */
  allow(rungs: readonly number[]): void {
    rungs.forEach((rung) => this.check(rung));
    this.chooser.allow(rungs);
    this.use((rung) => this.chooser.allows(rung));
    if (!this.begun) void this.fetch();
    this.onChange();
  }

  /** Use this rung only, as long as it may be used: what is here of others is forgotten. null adapts again. */
  lock(rung: number | null): void {
    if (rung !== null) this.check(rung);
    this.chooser.lock(rung);
    const { locked } = this.chooser;
    this.use((other) => locked === null || other === locked);
    this.onChange();
  }

  /** Comes when the chunk is here at another rung than this one: the network has carried more since. */
  better(chunk: number, rung: number, signal: AbortSignal): Promise<void> {
    return this.segments.better(chunk, rung, signal);
  }

  /** Whether after the end comes the start. */
  setLoop(loop: boolean): void {
    this.segments.loop = loop;
    this.fetcher.moved.ring();
  }

  /** Seconds of the show from and to which it is here. */
  buffered(): [number, number][] {
    return this.segments.ranges();
  }

  figures(): LoaderFigures {
    const { connected, trouble, reconnects, switches, givenUp, bytes } = this.fetcher.figures;
    return {
      rung: this.chooser.current,
      locked: this.chooser.locked !== null,
      throughput: this.chooser.throughput.estimate,
      aheadS: this.segments.aheadS(),
      connected,
      trouble,
      reconnects,
      switches,
      givenUp,
      bytes,
    };
  }

  /** Disconnects. Whoever waits for a chunk is told. */
  close(): void {
    this.begun = true;
    this.end.abort();
    this.link.close();
    this.segments.fail(new StreamError("the show was closed"));
  }

  private use(used: (rung: number) => boolean): void {
    this.segments.keepRungs(used);
    this.fetcher.reconsider(used);
  }

  private check(rung: number): void {
    const count = this.manifest.rungs.length;
    if (!(Number.isInteger(rung) && rung >= 0 && rung < count)) {
      throw new UsageError(`the show has rungs 0 to ${count - 1}, and no ${rung}`);
    }
  }

  private async fetch(): Promise<void> {
    this.begun = true;
    try {
      await this.fetcher.run(this.link, this.end.signal);
    } catch (error) {
      if (this.end.signal.aborted) return;
      this.segments.fail(error instanceof LfvError ? error : fault(error));
      this.onChange();
    }
  }
}

/** The first link. A show that plain HTTP does not give because it grows comes over the same server's sessions. */
async function startAt(address: Address, token: string, signal?: AbortSignal): Promise<Start> {
  const origin = globalThis.origin ?? "";
  const connect = (connectS: number) => openLink(address, { ...LINK_OPTIONS, token, origin, connectS });
  const link = connect(LINK_OPTIONS.connectS);
  try {
    return { connect, link, opened: await openedInTime(link, signal) };
  } catch (error) {
    link.close();
    if (!(error instanceof StreamError && error.code === ONLY_LIVE)) throw error;
    return startAt(websocketAddress(address), token, signal);
  }
}

/** Throws UsageError. */
function rungNamed(manifest: Manifest, name: string): number {
  const names = manifest.rungs.map((rung) => rung.name);
  if (!names.includes(name)) throw new UsageError(`the show has no rung '${name}'; it has ${names.join(", ")}`);
  return names.indexOf(name);
}

/** For what is no LfvError. */
function fault(cause: unknown): StreamError {
  const message = "fetching has failed by a fault of the player; reload the page and report it";
  return new StreamError(message, "fault", { cause });
}
