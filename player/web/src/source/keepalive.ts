/** Whether the other end still lives: pings, round trips, and how long is too long. No clock of its own. */

import { PING_S, SILENCE_S, STALL_S } from "./link.ts";

const ROUND_TRIPS = 8; // that the least is taken of: queues come and go, the way stays
export const PATIENCE = 4; // round trips that may pass without a byte
const HELD_UP_S = 1; // between two looks: the worker was busy, so nobody can tell who was silent
const MAX_NUMBER = 2 ** 32 - 1;
const MAX_UNANSWERED = 8;

/** The signs of life of one connection. All times are seconds of one steady clock. */
export class KeepAlive {
  private lastHeard: number;
  private looked: number;
  private dueSince: number | null = null;
  private readonly roundTrips: number[] = [];
  /** When each number was sent, oldest first. */
  private readonly sent = new Map<number, number>();
  private number = 0;
  private pinged: number | null = null;

  constructor(now: number) {
    this.lastHeard = this.looked = now;
  }

  /** The least of the latest round trips; 0 before the first. */
  get rttS(): number {
    return this.roundTrips.length ? Math.min(...this.roundTrips) : 0;
  }

  /** Bytes have come, of whatever. */
  heard(now: number): void {
    this.lastHeard = now;
  }

  /** Something was answered so long after it was asked. */
  wentRound(durationS: number): void {
    this.roundTrips.push(Math.max(0, durationS));
    if (this.roundTrips.length > ROUND_TRIPS) this.roundTrips.shift();
  }

  /** The number of a ping to send now, or null until it is time. */
  ping(now: number): number | null {
    if (this.pinged !== null && now - this.pinged < PING_S) return null;
    this.pinged = now;
    this.number = this.number === MAX_NUMBER ? 0 : this.number + 1;
    const [oldest] = this.sent.keys();
    if (this.sent.size >= MAX_UNANSWERED) this.sent.delete(oldest);
    this.sent.set(this.number, now);
    return this.number;
  }

  /** A ping is answered, and so are all before it. Numbers that nobody sent count for nothing. */
  ponged(number: number, now: number): void {
    const sent = this.sent.get(number);
    if (sent === undefined) return;
    for (const [other, at] of [...this.sent]) if (at <= sent) this.sent.delete(other);
    this.wentRound(now - sent);
  }

  /**
   * Seconds of silence, where they are too many; to be asked several times a second.
   *
   * `due`: the server has something to send, and may.
   */
  silence(now: number, due: boolean): number | null {
    if (now - this.looked > HELD_UP_S) this.lastHeard = now;
    this.looked = now;
    if (!due) this.dueSince = null;
    else this.dueSince ??= now;
    const silent = now - this.lastHeard;
    if (this.pinged !== null && silent > Math.max(SILENCE_S, PATIENCE * this.rttS)) return silent;
    if (this.dueSince === null) return null;
    const waited = now - Math.max(this.lastHeard, this.dueSince);
    return waited > Math.max(STALL_S, PATIENCE * this.rttS) ? waited : null;
  }
}
