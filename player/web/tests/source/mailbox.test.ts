/** Events come in order, news replace older news, and the error comes last. */

import { expect, test } from "vitest";
import { StreamError } from "../../src/format/errors.ts";
import { ShowIndex } from "../../src/format/show_index.ts";
import type { Delivery } from "../../src/source/link.ts";
import { Mailbox } from "../../src/source/mailbox.ts";

const progress = (chunk: number, received: number): Delivery => ({
  type: "progress",
  chunk,
  rung: 0,
  received,
  total: 9,
});
const arrived = (chunk: number): Delivery => ({ type: "arrived", chunk, rung: 0, data: new Uint8Array(2) });
const grown = (): Delivery => ({ type: "grown", index: new ShowIndex([]) });

/** All events; the error 'end' must be behind them. */
async function emptied(mailbox: Mailbox): Promise<unknown[]> {
  mailbox.fail(new StreamError("end"));
  const events: unknown[] = [];
  for (;;) {
    const event = await mailbox.get().catch((error: unknown) => error);
    if (event instanceof StreamError) {
      expect(event.message).toBe("end");
      return events;
    }
    events.push(event);
  }
}

test("events come in order and the first error behind them", async () => {
  const mailbox = new Mailbox();
  const events: Delivery[] = [progress(0, 1), arrived(0), { type: "left", reason: "gone" }, { type: "ended" }];
  events.forEach((event) => mailbox.put(event));
  expect(mailbox.unread).toBe(2);
  mailbox.fail(new StreamError("end"));
  mailbox.fail(new StreamError("another"));
  expect(await emptied(mailbox)).toEqual(events);
  expect(mailbox.unread).toBe(0);
});

test("progress of one segment is told once", async () => {
  const mailbox = new Mailbox();
  for (let received = 1; received < 9; received++) mailbox.put(progress(3, received));
  mailbox.put(arrived(3));
  mailbox.put(progress(4, 5));
  expect(await emptied(mailbox)).toEqual([progress(3, 8), arrived(3), progress(4, 5)]);
});

test("growth is told once and in front of what it brings", async () => {
  const mailbox = new Mailbox();
  let last = grown();
  for (let chunk = 1; chunk < 100; chunk++) {
    mailbox.put((last = grown()));
    mailbox.put(arrived(chunk));
  }
  const events = await emptied(mailbox);
  expect(events[0]).toBe(last);
  expect(events).toHaveLength(100);
});

test("what nobody wants any more is dropped", async () => {
  const mailbox = new Mailbox();
  const kept: Delivery[] = [grown(), { type: "left", reason: "gone" }];
  for (const event of [progress(0, 1), arrived(0), kept[0], { type: "ended" } as const, kept[1]]) mailbox.put(event);
  mailbox.dropSegments();
  expect(mailbox.unread).toBe(0);
  expect(await emptied(mailbox)).toEqual(kept);
});

test("who waits is told what comes", async () => {
  const mailbox = new Mailbox();
  const waiting = mailbox.get();
  mailbox.put({ type: "ended" });
  expect(await waiting).toEqual({ type: "ended" });
  const failing = mailbox.get();
  mailbox.fail(new StreamError("end"));
  await expect(failing).rejects.toThrow("end");
  expect(mailbox.error).toMatchObject({ message: "end" });
});
