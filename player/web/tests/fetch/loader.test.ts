/** A show over real sockets: bytes as in the file, seeks, fixed rungs, outages that heal, damage that is told. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Loader, type LoaderConfig } from "../../src/fetch/loader.ts";
import type { Chunk } from "../../src/format/chunk.ts";
import { decodeFront, unpackGeometry, unpackSegment } from "../../src/format/container.ts";
import { prepareDigest } from "../../src/format/digest.ts";
import { FormatError, StreamError, UsageError } from "../../src/format/errors.ts";
import { Proxy } from "../proxy.ts";
import { Cleanup, ended, python, serve, started, temporaryFolder } from "../served.ts";

const KINDS = ["ws", "http"] as const;
const NEVER = new AbortController().signal;
const cleanup = new Cleanup();
let path: string;
let live: string;
let port: number;

beforeAll(async () => {
  Object.assign(globalThis, { WebSocket }); // Node 20 has none of its own
  await prepareDigest();
  const folder = await temporaryFolder(cleanup);
  [path, live] = [join(folder, "counter.lfv"), join(folder, "live.lfv")];
  await python("samples.make_counter_show", path, "--frames", "240", "--gop", "1/2", "--rates", "4", "2", "1");
  const damaged = join(folder, "damaged.lfv");
  const data = await readFile(path);
  const entry = decodeFront(data, "counter").index.chunks[1].segments[0];
  data[entry.offset + entry.length - 1] ^= 1;
  await writeFile(damaged, data);
  port = await serve(cleanup, path, damaged, live, "--live", "--token", "geheim");
}, 30_000);

afterAll(() => cleanup.run());

function address(kind: string, at = port, name = "counter"): string {
  return `${kind}://127.0.0.1:${at}/${name}.lfv`;
}

/** An open loader that may use all rungs, closed at the test's end. */
async function loading(url: string, config: Partial<LoaderConfig>, run: (loader: Loader) => Promise<void>) {
  const loader = await Loader.open(url, { token: "geheim", ...config });
  try {
    loader.allow(loader.manifest.rungs.map((_, rung) => rung));
    await run(loader);
  } finally {
    loader.close();
  }
}

async function chunkOf(loader: Loader, number: number): Promise<Chunk> {
  const chunk = await loader.chunk(number, NEVER);
  expect(chunk).not.toBeNull();
  return chunk!;
}

/** All that is in it, as text; comparing bytes one by one takes vitest seconds. */
function plain(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) =>
    v instanceof Uint8Array ? Buffer.from(v).toString("latin1") : typeof v === "bigint" ? String(v) : v,
  );
}

async function proxied(): Promise<Proxy> {
  const proxy = new Proxy();
  await proxy.start(port, cleanup);
  return proxy;
}

describe.each(KINDS)("%s", (kind) => {
  test.each(["full", "low"])("every chunk is as in the file (%s)", async (rung) => {
    const file = new Uint8Array(await readFile(path));
    const { manifest, index } = decodeFront(file, "counter");
    const number = manifest.rungs.findIndex(({ name }) => name === rung);
    await loading(address(kind), { rung }, async (loader) => {
      expect(loader.manifest.title).toBe(manifest.title);
      expect(plain(loader.index)).toBe(plain(index));
      for (const chunk of [...index.chunks.keys(), 3, 0]) {
        const { offset, length } = index.chunks[chunk].segments[number];
        const wanted = unpackSegment(index, chunk, number, file.subarray(offset, offset + length));
        const found = await chunkOf(loader, chunk);
        expect(plain(found)).toBe(plain(wanted));
        expect(unpackGeometry(manifest, index, found).layers).toHaveLength(manifest.layerCount);
      }
      expect(await loader.chunk(index.chunks.length, NEVER)).toBeNull();
    });
  });

  test("nothing of segments is fetched before the rungs are allowed", async () => {
    const proxy = await proxied();
    const loader = await Loader.open(address(kind, proxy.port), { token: "geheim" });
    const before = proxy.passed;
    await new Promise((done) => setTimeout(done, 300));
    expect(proxy.passed).toBeLessThan(before + 1000); // pongs
    loader.allow([2]);
    expect((await chunkOf(loader, 0)).rung).toBe(2);
    expect((await chunkOf(loader, 10)).rung).toBe(2);
    loader.allow([1]);
    expect((await chunkOf(loader, 0)).rung).toBe(1);
    loader.close();
    await expect(loader.chunk(12, NEVER)).rejects.toThrow("the show was closed");
  });

  test("it begins low and takes what the network carries", async () => {
    // Less than the whole buffer at the lowest rung, or several would be under way before anything is measured.
    await loading(address(kind), { aheadS: 1 }, async (loader) => {
      const rungs: number[] = [];
      for (let number = 0; number < 12; number++) rungs.push((await chunkOf(loader, number)).rung);
      expect(rungs[0]).toBe(2);
      expect(rungs.at(-1)).toBe(0);
      expect(loader.figures()).toMatchObject({ rung: 0, locked: false, switches: 1, reconnects: 0, connected: true });
      expect(loader.buffered()[0][0]).toBe(0);
    });
  });

  test("a fixed rung changes at a chunk's border", async () => {
    await loading(address(kind), { rung: "medium", aheadS: 0.6 }, async (loader) => {
      const first = await chunkOf(loader, 0);
      loader.lock(2);
      const rest: number[] = [];
      for (let number = 1; number < 8; number++) rest.push((await chunkOf(loader, number)).rung);
      expect(first.rung).toBe(1);
      expect(rest).toEqual([...rest].sort());
      expect(rest.at(-1)).toBe(2);
    });
  });

  test("a damaged chunk is fetched twice and then told", async () => {
    await loading(address(kind, port, "damaged"), { rung: "full" }, async (loader) => {
      await chunkOf(loader, 0);
      const told = await loader.chunk(1, NEVER).catch((error: unknown) => error);
      expect(told).toBeInstanceOf(FormatError);
      expect(String(told)).toContain("chunk 1 rung 0 has a wrong checksum (bytes ");
      await chunkOf(loader, 2);
    });
  });

  test("a wait ends when nobody wants it any more", async () => {
    const proxy = await proxied();
    await loading(address(kind, proxy.port), { rung: "full", aheadS: 0.6 }, async (loader) => {
      await chunkOf(loader, 0);
      proxy.become("cut");
      await expect(loader.chunk(12, AbortSignal.timeout(200))).rejects.toThrow(/timeout|aborted/);
    });
  });

  test("an outage that does not end is told", async () => {
    const proxy = await proxied();
    await loading(address(kind, proxy.port), { rung: "full", aheadS: 0.6, giveUpS: 0.5 }, async (loader) => {
      await chunkOf(loader, 0);
      proxy.become("cut");
      await expect(loader.chunk(12, NEVER)).rejects.toThrow("cannot be reached");
      expect(loader.figures().connected).toBe(false);
      expect(await chunkOf(loader, 0)).toMatchObject({ index: 0 });
    });
  });

  test("refusals are told in words", async () => {
    const refused = (url: string, config: Partial<LoaderConfig>) => Loader.open(url, config).catch((e: unknown) => e);
    const token = await refused(address(kind), { token: "wrong" });
    expect(token).toBeInstanceOf(StreamError);
    expect(token).toMatchObject({ code: "token" });
    const show = await refused(address(kind, port, "another"), { token: "geheim" });
    expect(show).toMatchObject({ code: "show" });
    const rung = await refused(address(kind), { token: "geheim", rung: "best" });
    expect(rung).toBeInstanceOf(UsageError);
    expect(String(rung)).toContain("no rung 'best'; it has full, medium, low");
    const nobody = await refused(address(kind, 1), {});
    expect(String(nobody)).toContain("cannot be reached; is the server running there?");
  });
});

test("outages heal by themselves", async () => {
  const outage = async (kind: string, state: "cut" | "silent"): Promise<void> => {
    const proxy = await proxied();
    await loading(address(kind, proxy.port), { rung: "low", aheadS: 0.6 }, async (loader) => {
      await chunkOf(loader, 0);
      const began = performance.now();
      proxy.become(state);
      setTimeout(() => proxy.become("cut"), 2500);
      setTimeout(() => proxy.become("open"), 2600);
      await chunkOf(loader, 5);
      expect(performance.now() - began).toBeGreaterThan(2500);
      expect(performance.now() - began).toBeLessThan(5000);
      expect(loader.figures()).toMatchObject({ reconnects: 1, connected: true });
    });
  };
  await Promise.all(KINDS.flatMap((kind) => [outage(kind, "cut"), outage(kind, "silent")]));
}, 10_000);

test("a live show is followed from its newest chunk to its end, from http:// on", async () => {
  const appending = started("samples.append_live", [path, live, "--speed", "4"]);
  cleanup.add(() => ended(appending));
  for await (const line of createInterface({ input: appending.stdout! })) if (line === "chunk 3") break;
  let changes = 0;
  await loading(address("http", port, "live"), {}, async (loader) => {
    loader.onChange = () => (changes += 1);
    expect(loader.live).toBe(true);
    const first = loader.firstChunk;
    expect(first).toBeGreaterThan(0);
    let number = first;
    for (let chunk; (chunk = await loader.chunk(number, NEVER)) !== null; number++) {
      expect(chunk.index).toBe(number);
      // A chunk is told when it has just been made: the edge is its end at least, and no more than a chunk further.
      const behind = loader.edge() - loader.index.chunks[number].start.toSeconds();
      expect(behind).toBeGreaterThanOrEqual(0.5);
      expect(loader.edge()).toBeLessThanOrEqual(loader.index.duration.toSeconds() + 0.5);
    }
    expect(number).toBe(16);
    expect(loader.live).toBe(false);
    expect(loader.index.duration.toSeconds()).toBe(8);
    expect(changes).toBeGreaterThan(2 * (16 - first));
  });
}, 10_000);

test("an opening can be given up", async () => {
  const proxy = await proxied();
  proxy.become("silent");
  for (const kind of KINDS) {
    const began = performance.now();
    const opening = Loader.open(address(kind, proxy.port), { token: "geheim" }, AbortSignal.timeout(100));
    await expect(opening).rejects.toThrow(/timeout|aborted/);
    expect(performance.now() - began).toBeLessThan(1000);
  }
});
