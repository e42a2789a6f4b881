/** A show that grows: its newest chunk first, then each as it is made, up to its end; over HTTP by way of a session. */

import { createInterface } from "node:readline";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Loader } from "../../src/fetch/loader.ts";
import { Cleanup, ended, python, serve, started, temporaryFolder } from "../served.ts";

const NEVER = new AbortController().signal;
const cleanup = new Cleanup();
let port: number;

beforeAll(async () => {
  Object.assign(globalThis, { WebSocket }); // Node 20 has none of its own
  const folder = await temporaryFolder(cleanup);
  const [show, live] = [join(folder, "show.lfv"), join(folder, "live.lfv")];
  await python("samples.make_counter_show", show, "--frames", "75", "--gop", "1/2");
  port = await serve(cleanup, live, "--live");
  const appending = started("samples.append_live", [show, live]);
  cleanup.add(() => ended(appending));
  for await (const line of createInterface({ input: appending.stdout! })) if (line === "chunk 0") break;
}, 30_000);

afterAll(() => cleanup.run());

test("it is followed from its newest chunk to its end", async () => {
  const loader = await Loader.open(`http://127.0.0.1:${port}/live.lfv`);
  let changes = 0;
  loader.onChange = () => (changes += 1);
  loader.allow([0, 1, 2]);
  expect(loader.live).toBe(true);
  const first = loader.firstChunk;
  const edges: number[] = [];
  const numbers: number[] = [];
  for (let number = first; ; number++) {
    const chunk = await loader.chunk(number, NEVER);
    if (chunk === null) break;
    numbers.push(chunk.index);
    edges.push(loader.edge() - chunk.start.toSeconds());
  }
  expect(numbers).toEqual([first, first + 1, first + 2, first + 3, first + 4].slice(0, 5 - first));
  // A chunk is here when it has just been made: its end is the edge, which moves on by at most another chunk.
  for (const behind of edges) expect(behind).toBeGreaterThanOrEqual(0.5);
  for (const behind of edges) expect(behind).toBeLessThan(1.6);
  expect(loader.live).toBe(false);
  expect(loader.index.duration.toSeconds()).toBe(2.5);
  expect(changes).toBeGreaterThan(5);
  loader.close();
});
