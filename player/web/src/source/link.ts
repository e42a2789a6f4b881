/** A connection to one show: what every transport does for the player. */

import { UsageError } from "../format/errors.ts";
import type { Ratio } from "../format/ratio.ts";
import { KIB, MIB } from "../format/schema.ts";
import type { ShowIndex } from "../format/show_index.ts";
import type { Arrived, Ended, Grown, Left, Opened, Progress } from "../session/events.ts";
import type { Address } from "./address.ts";

export const AGENT = "lfv web player";
export const STALL_S = 2; // without a byte although some are due; on slow ways at least four round trips
export const PING_S = 5;
export const SILENCE_S = 10; // without a byte although pings ask for them

export type Delivery = Progress | Arrived | Grown | Ended | Left;

/** How to connect. */
export interface LinkOptions {
  /** What lets the player in; one in the address goes before it. */
  readonly token: string;
  /** Of the page, as browsers write it; empty where there is none. */
  readonly origin: string;
  /** Seconds for the way to the server's first answer. */
  readonly connectS: number;
  /** Bytes that a session's server may have under way. */
  readonly leastCredit: number;
  readonly firstCredit: number;
  readonly mostCredit: number;
}

export const LINK_OPTIONS: LinkOptions = {
  token: "",
  origin: "",
  connectS: 10,
  leastCredit: 128 * KIB,
  firstCredit: 256 * KIB,
  mostCredit: 16 * MIB,
};

/** One connection to one show. It is opened once, and closed in any case. */
export interface Link {
  /**
   * Connect, and fetch manifest and index. Rejects with
   *
   * - StreamError: with a code, the server refuses and would again; without one it may be tried again.
   * - FormatError: what is there is no show, or a damaged one.
   * - UsageError: the address or an option cannot be meant.
   */
  open(): Promise<Opened>;

  /**
   * Deliver segments from the chunk at `time` on, null for the newest; what is under way is dropped.
   *
   * `fresh`: the first of them from the server itself, not out of a cache on the way. Throws UsageError for a rung that
   * the show does not have; StreamError before the link is open.
   */
  begin(time: Ratio | null, rung: number, fresh: boolean): void;

  /** Deliver another rung from the next chunk on that has not begun; nothing before `begin`. Throws as that. */
  switch(rung: number): void;

  /** False: nothing more than is under way already. True, as at first: as much as the way carries. */
  flow(open: boolean): void;

  /**
   * The next event; one call at a time. After an error it rejects with the same again:
   *
   * - StreamError: the connection is lost, or nothing came for STALL_S although something was due.
   * - FormatError: what was sent is no show any more.
   */
  receive(): Promise<Delivery>;

  /** End it. Harmless when it is not open, or closed already. */
  close(): void;
}

/** Throws UsageError where the show has no such rung. */
export function checkRung(address: Address, rung: number, index: ShowIndex): void {
  if (!(rung >= 0 && rung < index.rungCount)) {
    throw new UsageError(`${address.text} has rungs 0 to ${index.rungCount - 1}, and no ${rung}`);
  }
}
