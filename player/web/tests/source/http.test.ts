/** A show on plain web servers: which ranges are asked for, and how servers that are none are told. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { prepareDigest } from "../../src/format/digest.ts";
import { FormatError, UsageError } from "../../src/format/errors.ts";
import { ZERO } from "../../src/format/ratio.ts";
import type { Opened } from "../../src/session/events.ts";
import { parseAddress } from "../../src/source/address.ts";
import { httpLink } from "../../src/source/http.ts";
import { type Delivery, LINK_OPTIONS, type LinkOptions } from "../../src/source/link.ts";
import { openLink } from "../../src/source/open_link.ts";
import type { PulledLink } from "../../src/source/pulled_link.ts";
import { Cleanup } from "../served.ts";
import { MemoryShow } from "../shows.ts";
import { type Answering, Site } from "./static_site.ts";

const cleanup = new Cleanup();
let SHOW: MemoryShow;

beforeAll(async () => {
  await prepareDigest();
  SHOW = new MemoryShow();
});

afterAll(() => cleanup.run());

async function siteOf(show = SHOW): Promise<Site> {
  return new Site(show.file()).start(cleanup);
}

function linkTo(site: Site, options: Partial<LinkOptions> = {}, query = ""): PulledLink {
  const link = httpLink(parseAddress(`${site.origin}/dir/tiny.lfv${query}`), { ...LINK_OPTIONS, ...options });
  cleanup.add(() => link.close());
  return link;
}

/** All that comes up to the end of the show. */
async function delivered(link: PulledLink): Promise<Delivery[]> {
  const events: Delivery[] = [];
  while (events.at(-1)?.type !== "ended") events.push(await link.receive());
  return events;
}

function arrivals(events: readonly Delivery[]): [number, number, Uint8Array][] {
  return events.flatMap((event) => (event.type === "arrived" ? [[event.chunk, event.rung, event.data]] : []));
}

async function refused(site: Site, options: Partial<LinkOptions> = {}): Promise<Error & { code?: string }> {
  const error: unknown = await linkTo(site, options)
    .open()
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Error);
  return error as Error;
}

test("one request brings the front, and one each segment", async () => {
  const site = await siteOf();
  const link = linkTo(site);
  const { manifest, index, live }: Opened = await link.open();
  expect([manifest.title, index.chunks.length, live]).toEqual(["Tiny é", 4, false]);
  link.begin(index.chunks[1].start, 0, false);
  const found = arrivals(await delivered(link));
  expect(found.map(([chunk, rung]) => [chunk, rung])).toEqual([1, 2, 3].map((chunk) => [chunk, 0]));
  for (const [chunk, rung, data] of found) expect(Buffer.compare(data, SHOW.segment(chunk, rung))).toBe(0);
  const segments = index.chunks.slice(1).map(({ segments: [{ offset, length }] }) => [offset, offset + length - 1]);
  expect(site.requests.map(({ range }) => range)).toEqual([[0, 65_535], ...segments]);
  expect(site.requests[0].headers.range).toBe("bytes=0-65535");
});

test("a second request brings the rest of a long front", async () => {
  const show = new MemoryShow(Array(2000).fill([1]));
  const site = await siteOf(show);
  const { index } = await linkTo(site).open();
  expect(index.chunks).toHaveLength(2000);
  expect(site.requests.map(({ range }) => range)).toEqual([
    [0, 65_535],
    [65_536, show.front.length - 1],
  ]);
});

test("progress is told while a segment comes", async () => {
  const site = await siteOf();
  const link = linkTo(site);
  const { index } = await link.open();
  site.answering = (response, [first, last]) => {
    site.head(response, [first, last]);
    response.write(site.file.subarray(first, first + 1000));
    setTimeout(() => response.end(site.file.subarray(first + 1000, last + 1)), 30);
  };
  link.begin(index.chunks[3].start, 0, false);
  const events = await delivered(link);
  expect(events[0]).toEqual({ type: "progress", chunk: 3, rung: 0, received: 1000, total: 70_000 });
});

test("rungs change between segments, and begin drops what is under way", async () => {
  const site = await siteOf();
  const link = linkTo(site);
  await link.open();
  let cut = false;
  site.answering = (response, range) => {
    response.on("close", () => (cut = !response.writableFinished));
    site.head(response, range);
    response.write(new Uint8Array(1)); // and never the rest
  };
  link.begin(ZERO, 0, false);
  expect(await link.receive()).toMatchObject({ type: "progress", chunk: 0, received: 1 });
  site.answering = (response, range) => {
    link.switch(0);
    site.answer(response, range);
  };
  link.begin(ZERO, 1, false);
  const found = arrivals(await delivered(link));
  expect(found.map(([, rung]) => rung)).toEqual([1, 0, 0, 0]);
  expect(cut).toBe(true);
  expect(() => link.switch(2)).toThrow(UsageError);
  expect(() => link.begin(ZERO, -1, false)).toThrow("has rungs 0 to 1, and no -1");
});

test("the next segment is asked for before one is at its end", async () => {
  const show = new MemoryShow([[400_000], [400_000], [10]]);
  const site = await siteOf(show);
  const link = linkTo(site);
  const { index } = await link.open();
  let open = 0;
  let most = 0;
  site.answering = (response, [first, last]) => {
    most = Math.max(most, ++open);
    site.head(response, [first, last]);
    let at = first;
    const timer = setInterval(() => {
      const end = Math.min(at + 20_000, last + 1);
      if (end > last) {
        clearInterval(timer);
        open -= 1;
        response.end(site.file.subarray(at, end));
      } else response.write(site.file.subarray(at, end));
      at = end;
    }, 5);
  };
  link.begin(index.chunks[0].start, 0, false);
  expect(arrivals(await delivered(link)).map(([chunk]) => chunk)).toEqual([0, 1, 2]);
  expect(site.requests).toHaveLength(4);
  expect(most).toBe(2);
});

test("to the page's own server the token goes in a header, and the tag in a condition", async () => {
  const site = await siteOf();
  const link = linkTo(site, { origin: site.origin, token: "geheim" });
  await link.open();
  link.begin(ZERO, 0, false);
  await delivered(link);
  const [first, ...rest] = site.requests;
  expect(first.url).toBe("/dir/tiny.lfv");
  expect(first.headers.authorization).toBe("Bearer geheim");
  expect(first.headers["if-range"]).toBeUndefined();
  for (const { headers } of rest) {
    expect(headers).toMatchObject({ authorization: "Bearer geheim", "if-range": '"one"' });
  }
  const error = await refused(site, { origin: site.origin, token: "gehéim" });
  expect(error).toBeInstanceOf(UsageError);
});

test("to another server nothing goes that it would have to allow first", async () => {
  const site = await siteOf();
  const link = linkTo(site, { origin: "https://page.example", token: "unused" }, "?a=b&token=s%26t");
  await link.open();
  link.begin(ZERO, 0, false);
  await delivered(link);
  for (const { url, headers } of site.requests) {
    expect(url).toBe("/dir/tiny.lfv?a=b&token=s%26t");
    expect(headers.authorization).toBeUndefined();
    expect(headers["if-range"]).toBeUndefined();
  }
});

test("what came damaged is asked of the server itself", async () => {
  const site = await siteOf();
  const link = linkTo(site);
  await link.open();
  link.begin(ZERO, 1, true);
  await delivered(link);
  expect(site.requests.map(({ headers }) => headers["cache-control"])).toEqual([
    undefined,
    "no-cache",
    undefined,
    undefined,
    undefined,
  ]);
});

test("redirects are followed once, and the token stays at home", async () => {
  const [named, cdn] = [await siteOf(), await siteOf()];
  named.answering = (response) => {
    response.writeHead(302, { Location: `${cdn.origin}/x.lfv?Signature=a` }).end();
  };
  const link = linkTo(named, { token: "geheim", origin: named.origin });
  await link.open();
  link.begin(ZERO, 0, false);
  await delivered(link);
  expect(named.requests).toHaveLength(1);
  for (const { url, headers } of cdn.requests) {
    expect(url).toBe("/x.lfv?Signature=a");
    expect(headers.authorization).toBeUndefined();
  }
});

test("a server that ignores ranges is refused in words, and its file not read", async () => {
  const site = await siteOf();
  let closed: () => void;
  const over = new Promise<void>((done) => (closed = done));
  site.answering = (response) => {
    response.on("close", closed);
    response.writeHead(200, { "Content-Length": 2 ** 40 });
    response.write(new Uint8Array(1000));
  };
  const error = await refused(site);
  expect(error.message).toContain("ignores byte ranges; serve the show with nginx, a CDN or 'lfv serve' (HTTP 200)");
  expect(error.code).toBe("capability");
  await over;
});

test.each<[string, Answering, RegExp]>([
  [
    "no show",
    (r) => r.writeHead(404, { "Content-Type": "text/plain" }).end("there is 'no' such one\nmore"),
    /no such show; check the name \(HTTP 404: there is 'no' such one\)/,
  ],
  ["a token is wanted", (r) => r.writeHead(401).end(), /asks for a token/],
  ["busy", (r) => r.writeHead(503).end(), /is busy \(HTTP 503\)/],
  ["nothing is said", (r) => void r.destroy(), /cannot be reached/],
])("%s", async (_, answering, says) => {
  const site = await siteOf();
  site.answering = answering;
  expect((await refused(site)).message).toMatch(says);
});

test("a front that is damaged, cut or longer is no show", async () => {
  const site = await siteOf();
  const whole = site.file;
  for (const [file, says] of [
    [new Uint8Array(100), "this is not a show"],
    [whole.subarray(0, -1), "is cut short; it should have"],
    [new Uint8Array([...whole, 0]), "has bytes behind its end"],
    [whole.map((byte, at) => (at === 100 ? byte ^ 1 : byte)), "wrong checksum (bytes 64.."],
  ] as const) {
    site.file = file;
    const error = await refused(site);
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toContain(says);
    expect(error.message).toContain(`${site.origin}/dir/tiny.lfv: `);
  }
});

async function failing(answering: (site: Site) => Answering): Promise<Error & { code?: string }> {
  const site = await siteOf();
  const link = linkTo(site);
  await link.open();
  site.answering = answering(site);
  link.begin(ZERO, 0, false);
  for (;;) {
    const event = await link.receive().catch((error: unknown) => error);
    if (event instanceof Error) {
      await expect(link.receive()).rejects.toBe(event);
      return event;
    }
  }
}

test("a file that is replaced is noticed by its tag and its size", async () => {
  const tag = await failing((site) => (response, range) => {
    site.etag = '"two"';
    site.answer(response, range);
  });
  expect(tag).toMatchObject({ code: "" });
  expect(tag.message).toContain("has changed on the server");
  const whole = await failing((site) => (response) => {
    response.writeHead(200, { ETag: '"two"', "Content-Length": 5 }).end("other");
    void site;
  });
  expect(whole.message).toContain("has changed on the server");
});

test("a body that is too long, or is cut, or does not come, is told", async () => {
  const began = performance.now();
  const [long, cut, silent, mute] = await Promise.all([
    failing((site) => (response, range) => {
      response.writeHead(206, {
        "Content-Range": `bytes ${range[0]}-${range[1]}/${site.file.length}`,
        ETag: site.etag,
      });
      response.end(new Uint8Array(5001));
    }),
    failing((site) => (response, range) => {
      site.head(response, range);
      response.write(new Uint8Array(100));
      setTimeout(() => response.destroy(), 20);
    }),
    failing((site) => (response, range) => {
      site.head(response, range);
      response.write(new Uint8Array(100));
    }),
    failing(() => () => {}),
  ]);
  expect(long.message).toContain("sends more than 5000 bytes, which it announced");
  expect(cut.message).toContain("closed the connection");
  for (const error of [silent, mute]) expect(error.message).toMatch(/nothing came from .* for 2\.0 s/);
  for (const error of [long, cut, silent, mute]) expect(error.code).toBe("");
  expect(performance.now() - began).toBeLessThan(4000);
});

test("a first answer that does not come in time is told", async () => {
  const site = await siteOf();
  site.answering = () => {};
  expect((await refused(site, { connectS: 0.2 })).message).toContain("does not answer within 0.2 s");
});

test("closing ends an opening, and what waits", async () => {
  const site = await siteOf();
  const link = linkTo(site);
  site.answering = () => {};
  const opening = link.open();
  link.close();
  await expect(opening).rejects.toThrow("is closed");
  await expect(link.receive()).rejects.toThrow("is closed");
  expect(() => link.begin(ZERO, 0, false)).toThrow("is not open yet");
});

test("pages of https:// are told that browsers refuse http://", () => {
  const options = { ...LINK_OPTIONS, origin: "https://page.example" };
  expect(() => openLink(parseAddress("http://h/x.lfv"), options)).toThrow("serve the show by https://");
  expect(() => openLink(parseAddress("ws://h/x.lfv"), options)).toThrow("serve the show by wss://");
  for (const fine of ["https://h/x.lfv", "http://127.0.0.1:8080/x.lfv", "ws://localhost/x.lfv"]) {
    openLink(parseAddress(fine), options).close();
  }
});
