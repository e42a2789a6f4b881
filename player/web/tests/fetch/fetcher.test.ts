/** What is asked of links, and when: by a clock that is told, over links that do what a test says. */

import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { RungChooser } from "../../src/fetch/abr.ts";
import { Fetcher } from "../../src/fetch/fetcher.ts";
import { SegmentBuffer } from "../../src/fetch/segments.ts";
import { decodeFront } from "../../src/format/container.ts";
import { prepareDigest } from "../../src/format/digest.ts";
import { FormatError, StreamError } from "../../src/format/errors.ts";
import { ShowIndex } from "../../src/format/show_index.ts";
import type { Opened } from "../../src/session/events.ts";
import type { Delivery, Link } from "../../src/source/link.ts";
import { Mailbox } from "../../src/source/mailbox.ts";
import { MemoryShow } from "../shows.ts";

const MBYTE = 1_000_000;
// Of the three rungs, bits per second; chunks of 0.1001 s have 1000, 500 and 125 bytes.
const RATES = [80e3, 40e3, 10e3];
let SHOW: MemoryShow;

beforeAll(async () => {
  await prepareDigest();
  SHOW = new MemoryShow(Array(40).fill([1000, 500, 125]));
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  end.abort();
  vi.useRealTimers();
});

/** Notes what is asked of it; a test puts what it delivers. */
class FakeLink implements Link {
  readonly asked: string[] = [];
  readonly mail = new Mailbox();

  constructor(private readonly opening: Opened | Error) {}

  open(): Promise<Opened> {
    return this.opening instanceof Error ? Promise.reject(this.opening) : Promise.resolve(this.opening);
  }

  begin(time: { toSeconds(): number } | null, rung: number, fresh: boolean): void {
    this.asked.push(`begin ${SHOW.index.chunkAt(time!.toSeconds())} at ${rung}${fresh ? ", fresh" : ""}`);
  }

  switch(rung: number): void {
    this.asked.push(`switch to ${rung}`);
  }

  flow(open: boolean): void {
    this.asked.push(open ? "flow" : "stop");
  }

  async receive(): Promise<Delivery> {
    return (await this.mail.get()) as Delivery;
  }

  close(): void {
    this.mail.fail(new StreamError("closed"));
    this.asked.push("close");
  }

  /** A whole segment, at once. */
  bring(chunk: number, rung: number): void {
    this.mail.put({ type: "arrived", chunk, rung, data: SHOW.segment(chunk, rung) });
  }

  /** `received` bytes of it are here. */
  tell(chunk: number, rung: number, received: number, total: number): void {
    this.mail.put({ type: "progress", chunk, rung, received, total });
  }
}

let end = new AbortController();
let links: (Opened | Error)[];
let made: FakeLink[];
let patience: number[];

/** A fetcher over the first of `links`; when that ends, over the others. */
function fetching(
  options: { live?: boolean; index?: ShowIndex; seconds?: number; giveUpS?: number; loop?: boolean } = {},
) {
  const { live = false, index = SHOW.index, seconds = 60, giveUpS = 300, loop = false } = options;
  const opened = openedOf(index, live);
  const segments = new SegmentBuffer(index, { reach: { seconds, memory: 100 * MBYTE }, position: 0, live, loop });
  const chooser = new RungChooser(RATES);
  [end, made, patience] = [new AbortController(), [new FakeLink(opened)], []];
  const connect = (connectS: number): Link => {
    patience.push(connectS);
    const link = new FakeLink(links.shift() ?? new StreamError("down"));
    made.push(link);
    return link;
  };
  const fetcher = new Fetcher(connect, segments, chooser, { opened, giveUpS });
  segments.onMove = () => fetcher.moved.ring();
  const over = fetcher.run(made[0], end.signal).catch((error: unknown) => error);
  return { fetcher, segments, chooser, over, link: made[0] };
}

function openedOf(index: ShowIndex, live: boolean): Opened {
  return { type: "opened", manifest: decodeFront(SHOW.front, "show").manifest, index, live };
}

const pass = (seconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(1000 * seconds);

test("it begins low, goes up by what is measured, and stops when enough is here", async () => {
  const { link, fetcher, segments } = fetching({ seconds: 0.3 });
  expect(link.asked).toEqual(["begin 0 at 2"]);
  await pass(0.05);
  link.tell(0, 2, 125, 125);
  link.bring(0, 2);
  await pass(0.001);
  // 125 bytes in 0.05 s are 20 kbit/s: no reason to go up.
  expect(link.asked).toEqual(["begin 0 at 2"]);
  link.bring(1, 2);
  link.bring(2, 2);
  await pass(0.001);
  expect(link.asked).toEqual(["begin 0 at 2", "stop"]);
  await pass(5);
  expect(link.asked).toHaveLength(2);
  segments.take(1, AbortSignal.abort()).catch(() => {});
  await pass(0.001);
  expect(link.asked.slice(2)).toEqual(["flow"]);
  expect(fetcher.figures).toMatchObject({ bytes: 125, switches: 0, reconnects: 0, connected: true });
});

test("a fast first segment takes the rung up", async () => {
  const { link, fetcher } = fetching();
  await pass(0.001);
  link.tell(0, 2, 125, 125);
  link.bring(0, 2);
  await pass(0.001);
  // 125 bytes in 1 ms are 1 Mbit/s; rung 0 needs 1000 bytes in 0.1001 s, 80 kbit/s.
  expect(link.asked).toEqual(["begin 0 at 2", "switch to 0"]);
  expect(fetcher.figures.switches).toBe(1);
});

test("a segment that comes too slowly makes room for a lower rung", async () => {
  const { link, fetcher, chooser } = fetching();
  chooser.throughput.add(100e3, 1);
  link.bring(0, 2);
  await pass(0.001);
  expect(link.asked.at(-1)).toBe("switch to 0");
  let received = 0;
  for (let i = 0; i < 40 && fetcher.figures.givenUp === 0; i++) {
    // 10 bytes every 0.1 s: 0.8 kbit/s, where even the lowest rung needs 10.
    link.tell(1, 0, (received += 10), 1000);
    await pass(0.1);
  }
  expect(fetcher.figures.givenUp).toBe(1);
  expect(link.asked.slice(-2)).toEqual(["switch to 2", "begin 1 at 2"]);
});

test("a seek begins anew, and what is here already is skipped", async () => {
  const { link, segments } = fetching();
  await pass(0.001);
  link.bring(0, 2);
  link.bring(1, 2);
  await pass(0.001);
  segments.take(20, AbortSignal.abort()).catch(() => {});
  await pass(0.001);
  link.bring(20, 0);
  await pass(0.001);
  segments.take(0, AbortSignal.abort()).catch(() => {});
  await pass(0.001);
  const begun = link.asked.filter((asked) => asked.startsWith("begin"));
  expect(begun).toEqual(["begin 0 at 2", "begin 20 at 2", "begin 2 at 2"]);
});

test("after the end comes the start, where it loops", async () => {
  const { link, segments, fetcher } = fetching({ loop: true, index: new ShowIndex(SHOW.index.chunks.slice(0, 2)) });
  segments.take(1, AbortSignal.abort()).catch(() => {});
  await pass(0.001);
  link.bring(1, 2);
  link.mail.put({ type: "ended" });
  await pass(0.001);
  expect(link.asked.at(-1)).toMatch(/^begin 0 at /);
  segments.loop = false;
  fetcher.moved.ring();
  await pass(0.001);
  expect(link.asked.at(-1)).toBe("stop");
});

test("what came damaged is asked for anew, around caches", async () => {
  const { link, segments } = fetching();
  const waiting = segments.take(0, end.signal).catch((error: unknown) => error);
  await pass(0.001);
  link.bring(0, 2); // is no segment
  await pass(0.001);
  expect(link.asked.at(-1)).toMatch(/^begin 0 at \d, fresh$/);
  link.bring(0, 2);
  await pass(0.001);
  expect(await waiting).toBeInstanceOf(FormatError);
});

test("a rung that may not be used any more is given up at once, and what is here of it forgotten", async () => {
  const { link, segments, chooser, fetcher } = fetching();
  await pass(0.001);
  link.bring(0, 2);
  link.tell(1, 2, 10, 125);
  await pass(0.001);
  const used = (rung: number) => rung === 1;
  chooser.allow([1]);
  segments.keepRungs(used);
  fetcher.reconsider(used);
  await pass(0.001);
  expect(link.asked.at(-1)).toBe("begin 0 at 1");
});

test("what came at a low rung is fetched again while nothing is missing, but for what is played next", async () => {
  const { link, segments, chooser } = fetching({ index: new ShowIndex(SHOW.index.chunks.slice(0, 4)) });
  await pass(0.001);
  for (const chunk of [0, 1, 2, 3]) link.bring(chunk, 2);
  link.mail.put({ type: "ended" });
  await pass(0.001);
  expect(link.asked.at(-1)).toBe("stop");
  chooser.throughput.add(50e3, 1);
  const better = segments.better(2, 2, end.signal);
  await pass(0.3);
  expect(link.asked.slice(-2)).toEqual(["flow", "begin 2 at 1"]);
  link.bring(2, 1);
  await better;
  await pass(0.3);
  link.bring(3, 1);
  await pass(0.3);
  expect(link.asked.at(-1)).toBe("stop");
  const asked = link.asked.length;
  await pass(5);
  expect(link.asked).toHaveLength(asked);
});

test("a lost link is replaced with growing pauses and patience", async () => {
  links = [new StreamError("down"), new StreamError("down"), openedOf(SHOW.index, false)];
  const { link, fetcher, over } = fetching();
  link.bring(0, 2);
  await pass(0.001);
  link.mail.fail(new StreamError("lost"));
  await pass(0.001);
  expect(link.asked.at(-1)).toBe("close");
  expect(fetcher.figures).toMatchObject({ connected: false, reconnects: 0 });
  // The first at once, then after about 0.1 and 0.2 s.
  expect(made).toHaveLength(2);
  await pass(0.125);
  expect(made).toHaveLength(3);
  await pass(0.25);
  expect(made).toHaveLength(4);
  expect(patience).toEqual([1, 1.3, 1.3 * 1.3]);
  expect(made[3].asked[0]).toMatch(/^begin 1 at /);
  expect(fetcher.figures).toMatchObject({ connected: true, reconnects: 1 });
  end.abort(new Error("enough"));
  expect(await over).toMatchObject({ message: "enough" });
  expect(made[3].asked.at(-1)).toBe("close");
});

test("links that bring nothing are tried less and less often", async () => {
  links = Array<Opened>(100).fill(openedOf(SHOW.index, false));
  fetching();
  const opened: number[] = [];
  for (let second = 0; second < 40; second++) {
    const link = made.at(-1)!;
    if (!link.mail.error) {
      opened.push(second);
      link.mail.fail(new StreamError("lost"));
    }
    await pass(1);
  }
  expect(opened.length).toBeLessThan(12);
});

test("an outage ends when it has lasted too long; what is refused is not tried again", async () => {
  links = [];
  const { link, over } = fetching({ giveUpS: 5 });
  link.mail.fail(new StreamError("lost"));
  await pass(4);
  expect(made.length).toBeGreaterThan(4);
  await pass(4);
  expect(await over).toMatchObject({ message: "down", code: "" });
  expect(made.length).toBeLessThan(14);

  links = [new StreamError("no show", "show"), openedOf(SHOW.index, false)];
  const refused = fetching();
  refused.link.mail.fail(new StreamError("lost"));
  await pass(1);
  expect(await refused.over).toMatchObject({ code: "show" });
  expect(made).toHaveLength(2);

  const broken = fetching();
  broken.link.mail.fail(new FormatError("no show any more"));
  await pass(1);
  expect(await broken.over).toBeInstanceOf(FormatError);
});

test("another show under the same name ends it; one that has grown does not", async () => {
  const shorter = new ShowIndex(SHOW.index.chunks.slice(0, -1));
  const changed = new ShowIndex(
    SHOW.index.chunks.map((chunk, i) =>
      i === 7 ? { ...chunk, segments: chunk.segments.map((s) => ({ ...s, digest: new Uint8Array(16) })) } : chunk,
    ),
  );
  for (const other of [shorter, changed]) {
    links = [openedOf(other, false)];
    const { link, over } = fetching();
    link.mail.fail(new StreamError("lost"));
    await pass(1);
    expect(await over).toMatchObject({ code: "show", message: "the show has changed on the server; open it again" });
  }
  links = [openedOf(SHOW.index, false)];
  const grown = fetching({ live: true, index: shorter });
  grown.link.mail.fail(new StreamError("lost"));
  await pass(1);
  expect(grown.segments.index).toBe(SHOW.index);
  expect(grown.segments.live).toBe(false);
});

test("at the live edge the newest chunk is asked for, and growth is told", async () => {
  const index = new ShowIndex(SHOW.index.chunks.slice(0, 3));
  const { link, segments, fetcher } = fetching({ live: true, index });
  segments.take(2, AbortSignal.abort()).catch(() => {});
  let changes = 0;
  fetcher.onChange = () => (changes += 1);
  await pass(0.3);
  expect(link.asked.at(-1)).toBe("begin 2 at 2");
  link.bring(2, 2);
  await pass(10);
  expect(link.asked.filter((asked) => asked.startsWith("begin"))).toHaveLength(2);
  const before = fetcher.figures.grownAt;
  link.mail.put({ type: "grown", index: SHOW.index });
  link.bring(3, 2);
  await pass(0.001);
  expect(segments.index).toBe(SHOW.index);
  expect(fetcher.figures.grownAt - before).toBeGreaterThan(10);
  expect(changes).toBeGreaterThan(1);
});

test("a server that leaves is left for another", async () => {
  links = [openedOf(SHOW.index, false)];
  const { link } = fetching();
  link.mail.put({ type: "left", reason: "over" });
  await pass(0.001);
  expect(link.asked.at(-1)).toBe("close");
  expect(made).toHaveLength(2);
});
