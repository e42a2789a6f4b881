/** A link over any wire that carries messages: a session, its credit, and its signs of life. */

import { FormatError, StreamError, UsageError } from "../format/errors.ts";
import type { Ratio } from "../format/ratio.ts";
import { MAX_CREDIT_BYTES, MIN_PART_BYTES } from "../format/schema.ts";
import { ClientSession } from "../session/client.ts";
import type { Event, Opened } from "../session/events.ts";
import type { Address } from "./address.ts";
import { CreditWindow } from "./credit.ts";
import * as failures from "./failures.ts";
import { KeepAlive } from "./keepalive.ts";
import { AGENT, type Delivery, type Link, type LinkOptions, checkRung } from "./link.ts";
import { Mailbox } from "./mailbox.ts";
import { monotonicS } from "./monotonic.ts";

const TICK_S = 0.25;
// Granted anew when half of it is used: what is left then still covers a server's least part.
const LEAST_CREDIT = 2 * MIN_PART_BYTES;

/** What carries a session's messages. */
export interface Wire {
  /** Send, now or as soon as there is room. Harmless where the connection is lost. */
  send(message: Uint8Array<ArrayBuffer>): void;
  /** Send what was given to `send`, and end it; nothing is told any more. Harmless where it has ended. */
  close(): void;
}

/** What a wire tells its link; nothing here throws. */
export interface Receiver {
  /** The wire carries messages from now on. */
  ready(): void;
  /** A message has come. */
  take(message: Uint8Array): void;
  /** The wire has ended, or could not begin. */
  lost(error: StreamError): void;
}

/** Connects; what comes of it is told to the receiver. */
export type Dial = (address: Address, options: LinkOptions, receiver: Receiver) => Wire;

/** A link (see link.ts) to a server that speaks the session's protocol. */
export class SessionLink implements Link {
  private readonly window: CreditWindow;
  private readonly mail = new Mailbox();
  private wire: Wire | null = null;
  private session: ClientSession | null = null;
  private keepalive: KeepAlive | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private asked = 0;
  private opened: Opened | null = null;
  private flows = true;
  private ready = false;
  private greeted = false;
  private begun = false;
  private left: string | null = null;

  constructor(
    private readonly address: Address,
    private readonly options: LinkOptions,
    private readonly dial: Dial,
  ) {
    this.window = new CreditWindow({
      first: options.firstCredit,
      least: Math.max(options.leastCredit, LEAST_CREDIT),
      most: Math.min(options.mostCredit, MAX_CREDIT_BYTES),
    });
  }

  // What the player calls

  async open(): Promise<Opened> {
    try {
      this.connect();
      const event = await this.mail.get();
      if (event.type === "left") throw this.gone(event.reason);
      return event as Opened; // nothing but these two comes before it
    } catch (error) {
      this.close();
      throw error;
    }
  }

  begin(time: Ratio | null, rung: number): void {
    if (this.mail.error !== null) return;
    const session = this.sessionFor(rung);
    this.mail.dropSegments();
    this.begun = true;
    session.subscribe(time, rung);
    this.grant();
    this.flush();
  }

  switch(rung: number): void {
    if (this.mail.error !== null) return;
    const session = this.sessionFor(rung);
    if (!this.begun) return;
    session.switch(rung);
    this.flush();
  }

  flow(open: boolean): void {
    this.flows = open;
    this.grant();
    this.flush();
  }

  async receive(): Promise<Delivery> {
    const event = await this.mail.get();
    if (event.type === "arrived") {
      // There is room again.
      this.grant();
      this.flush();
    }
    return event as Delivery; // `open` has taken the other one
  }

  close(): void {
    if (this.ready && this.mail.error === null) {
      this.session?.leave("the player closes");
      this.flush();
    }
    this.fail(new StreamError(`${this.address.text} is closed`));
  }

  // What happens in between

  private connect(): void {
    const { address, options } = this;
    const token = address.token || options.token;
    try {
      this.session = new ClientSession({ show: address.show, token, agent: AGENT, credit: this.window.size });
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new UsageError(`${address.text} or its token is longer than a server reads: ${error.message}`);
    }
    this.asked = monotonicS();
    this.timer = setInterval(() => this.tick(), 1000 * TICK_S);
    this.wire = this.dial(address, options, {
      ready: () => this.shake(),
      take: (message) => this.take(message),
      lost: (error) => this.fail(this.left === null ? error : this.gone(this.left)),
    });
  }

  /** The wire is there: the hello goes out. */
  private shake(): void {
    this.ready = true;
    this.asked = monotonicS();
    this.keepalive = new KeepAlive(this.asked);
    this.flush();
  }

  private take(message: Uint8Array): void {
    const { session, keepalive } = this;
    if (session === null || keepalive === null || this.mail.error !== null) return;
    const now = monotonicS();
    keepalive.heard(now);
    if (!this.greeted) {
      this.greeted = true;
      keepalive.wentRound(now - this.asked);
    }
    const granted = session.granted;
    let events: Event[];
    try {
      events = session.receive(message);
    } catch (error) {
      this.fail(this.broken(error));
      return;
    }
    if (session.granted < granted) this.window.received(granted - session.granted, now, keepalive.rttS);
    for (const event of events) {
      if (event.type === "ponged") keepalive.ponged(event.id, now);
      else {
        if (event.type === "opened") this.opened = event;
        if (event.type === "left") this.left = event.reason;
        this.mail.put(event);
      }
    }
    this.grant();
    this.flush();
  }

  private grant(): void {
    const { session, window } = this;
    if (session === null || this.mail.error !== null) return;
    if (this.opened !== null && (!this.flows || this.mail.unread > window.size)) {
      window.pause();
      return;
    }
    if (!session.due) window.pause();
    const bytes = window.grant(session.granted);
    if (bytes) session.grant(bytes);
  }

  /** Hand the session's messages to the wire. */
  private flush(): void {
    if (!this.ready || this.session === null) return;
    for (const message of this.session.outgoing.splice(0)) this.wire?.send(message);
  }

  /** Several times a second: ping, and notice silence. */
  private tick(): void {
    const { session, keepalive, address } = this;
    const now = monotonicS();
    if (!this.greeted) {
      if (now - this.asked > this.options.connectS) this.fail(failures.late(address, this.options.connectS));
      return;
    }
    if (session === null || keepalive === null) return;
    const silence = keepalive.silence(now, session.due);
    if (silence !== null) this.fail(failures.silent(address, silence));
    else if (this.opened !== null) {
      const number = keepalive.ping(now);
      if (number !== null) session.ping(number);
      this.flush();
    }
  }

  /** A show that is damaged, or a server that does not keep to the protocol, in words with the address. */
  private broken(error: unknown): Error {
    const { text } = this.address;
    if (error instanceof StreamError) return new StreamError(`${text}: ${error.message}`, error.code);
    if (!(error instanceof FormatError)) return error as Error; // a fault of ours
    if (this.opened === null) return new FormatError(`${text}: ${error.reason}`, error.bytes);
    return new StreamError(`${text} breaks the protocol: ${error.message}`);
  }

  private sessionFor(rung: number): ClientSession {
    if (this.session === null || this.opened === null) {
      throw new StreamError(`${this.address.text} is not open yet; wait for it`);
    }
    checkRung(this.address, rung, this.opened.index);
    return this.session;
  }

  private gone(reason: string): StreamError {
    return new StreamError(`${this.address.text} went away: ${reason || "it does not say why"}`);
  }

  /** Nothing of it goes on by itself; whoever waits is told. */
  private fail(error: Error): void {
    this.mail.fail(error);
    clearInterval(this.timer);
    const wire = this.wire;
    this.wire = null;
    wire?.close();
  }
}
