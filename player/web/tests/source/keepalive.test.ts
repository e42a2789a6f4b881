/** Signs of life: when to ping, and how long is too long. */

import { expect, test } from "vitest";
import { KeepAlive } from "../../src/source/keepalive.ts";

/** Look four times a second; the moment at which the silence is too long. */
function watched(keepalive: KeepAlive, start: number, end: number, due: boolean): number | null {
  for (let now = start; now <= end; now += 0.25) if (keepalive.silence(now, due) !== null) return now;
  return null;
}

test("a ping every five seconds", () => {
  const keepalive = new KeepAlive(0);
  expect([0, 1, 4.9, 5, 6, 10].map((now) => keepalive.ping(now))).toEqual([1, null, null, 2, null, 3]);
});

test("the round trip is the least of the latest", () => {
  const keepalive = new KeepAlive(0);
  expect(keepalive.rttS).toBe(0);
  for (const trip of [0.3, 0.05, 0.2]) keepalive.wentRound(trip);
  expect(keepalive.rttS).toBe(0.05);
  for (let i = 0; i < 8; i++) keepalive.wentRound(0.1);
  expect(keepalive.rttS).toBe(0.1);
});

test("pongs measure and answer all pings before them", () => {
  const keepalive = new KeepAlive(0);
  expect([keepalive.ping(0), keepalive.ping(5)]).toEqual([1, 2]);
  keepalive.ponged(2, 5.25);
  expect(keepalive.rttS).toBe(0.25);
  keepalive.ponged(1, 9);
  keepalive.ponged(77, 9);
  for (let i = 0; i < 10; i++) keepalive.ponged(2, 6);
  expect(keepalive.rttS).toBe(0.25);
});

test("pings without an answer do not pile up", () => {
  const keepalive = new KeepAlive(0);
  for (let i = 0; i < 20; i++) keepalive.ping(5 * i);
  keepalive.ponged(12, 100); // was sent at 55 s, but is forgotten
  expect(keepalive.rttS).toBe(0);
  keepalive.ponged(13, 100);
  expect(keepalive.rttS).toBe(40);
});

test("two seconds without a byte that was due are too long", () => {
  expect(watched(new KeepAlive(0), 0, 3, true)).toBe(2.25);
  const keepalive = new KeepAlive(0);
  keepalive.heard(1.5);
  expect(watched(keepalive, 1.5, 4.5, true)).toBe(3.75);
});

test("on a slow way four round trips are waited", () => {
  const keepalive = new KeepAlive(0);
  keepalive.wentRound(0.75);
  expect(watched(keepalive, 0, 5, true)).toBe(3.25);
});

test("where nothing is due only pings tell", () => {
  expect(watched(new KeepAlive(0), 0, 60, false)).toBeNull();
  const keepalive = new KeepAlive(0);
  keepalive.ping(0);
  expect(watched(keepalive, 0, 60, false)).toBe(10.25);
});

test("time counts from when something became due", () => {
  const keepalive = new KeepAlive(0);
  expect(watched(keepalive, 0, 8, false)).toBeNull();
  expect(watched(keepalive, 8.25, 15, true)).toBe(10.5);
  const other = new KeepAlive(0);
  expect(watched(other, 0, 1.75, true)).toBeNull();
  expect(watched(other, 2, 4, false)).toBeNull();
  expect(watched(other, 4.25, 9, true)).toBe(6.5);
});

test("a worker that was held up is no silence of the server", () => {
  const keepalive = new KeepAlive(0);
  keepalive.ping(0);
  expect([keepalive.silence(0.25, true), keepalive.silence(30, true)]).toEqual([null, null]);
  expect(watched(keepalive, 30, 40, true)).toBe(32.25);
});
