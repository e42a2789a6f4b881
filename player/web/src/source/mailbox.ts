/** What a link has for the player: events in order, and behind them the error that ends it. */

import type { Opened } from "../session/events.ts";
import type { Delivery } from "./link.ts";

/** Filled by the wire's callbacks, emptied by the player, which waits in one place only. */
export class Mailbox {
  /** Bytes of whole segments. */
  unread = 0;
  private events: (Opened | Delivery)[] = [];
  private ending: Error | null = null;
  private wake: () => void = () => {};

  /** What ended the link, once something did. */
  get error(): Error | null {
    return this.ending;
  }

  /** Add an event. News that an older event of its kind waits to tell take its place: the mailbox stays small. */
  put(event: Opened | Delivery): void {
    if (event.type === "arrived") this.unread += event.data.length;
    if (event.type === "grown") {
      const position = this.events.findIndex((other) => other.type === "grown");
      if (position >= 0) {
        this.events[position] = event;
        return;
      }
    }
    const last = this.events.at(-1);
    if (event.type === "progress" && last?.type === "progress" && event.chunk === last.chunk) this.events.pop();
    this.events.push(event);
    this.wake();
  }

  /** Whoever waits gets the error, after the events that are here. The first one counts. */
  fail(error: Error): void {
    this.ending ??= error;
    this.wake();
  }

  /** Forget what was delivered of a time that nobody wants any more. */
  dropSegments(): void {
    this.events = this.events.filter(({ type }) => type !== "progress" && type !== "arrived" && type !== "ended");
    this.unread = 0;
  }

  /** The next event. Rejects with the error where none is left. */
  async get(): Promise<Opened | Delivery> {
    for (;;) {
      const event = this.events.shift();
      if (event !== undefined) {
        if (event.type === "arrived") this.unread -= event.data.length;
        return event;
      }
      if (this.ending !== null) throw this.ending;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
