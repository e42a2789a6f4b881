/** Measures a transfer as it comes. */

import type { Throughput } from "./throughput.ts";

const SAMPLE_S = 0.1;
const SHORTEST_S = 0.02; // bytes that come nearer to each other may have waited together in a buffer
const SILENCE_S = 0.5; // without bytes amid a transfer counts as none coming
const FIRST_BYTES_S = 1.5; // and so does this at its start

/**
 * Turns the arrival of bytes into samples of throughput, and leaves out the time in which nothing was asked for.
 *
 * The wait for the first bytes is left out as well, but for transfers that are over too soon to tell without it.
 */
export class Meter {
  /** null while nothing is asked for, and where it came unasked. */
  private asked: number | null = null;
  /** The time of the first bytes, or of the last sample. */
  private since: number | null = null;
  private last = 0;
  private bits = 0;
  private allBits = 0;
  private measuredUntil: number | null = null;

  constructor(private readonly throughput: Throughput) {}

  /** Bytes are asked for. */
  begin(now: number): void {
    this.rest();
    this.asked = now;
  }

  /** Nothing is asked for any more. */
  rest(): void {
    if (this.since !== null) this.conclude(this.since);
    this.asked = this.since = null;
    this.bits = this.allBits = 0;
  }

  /** Bytes have come. */
  add(count: number, now: number): void {
    this.last = now;
    this.allBits += 8 * count;
    if (this.since === null) {
      this.since = now;
      return;
    }
    this.bits += 8 * count;
    if (now - this.since >= SAMPLE_S) this.sample(this.bits, now - this.since, now);
  }

  /** A segment is whole. The first one is measured at once, because the choice of the next waits for it. */
  segmentDone(now: number): void {
    if (this.throughput.estimate === null) this.begin(now);
  }

  /** Time passes: bytes that do not come are a sample as well. */
  tick(now: number): void {
    const [start, patience] = this.since === null ? [this.asked, FIRST_BYTES_S] : [this.since, SILENCE_S];
    if (start !== null && now - start > patience) this.sample(this.bits, now - start, now);
  }

  /** What came since the last sample. */
  private conclude(since: number): void {
    const span = this.last - since;
    if (span >= SHORTEST_S && 2 * this.bits >= this.allBits) this.sample(this.bits, span, this.last);
    else if (this.asked !== null && this.allBits) this.sample(this.allBits, this.last - this.asked, this.last);
  }

  private sample(bits: number, seconds: number, now: number): void {
    const pause = this.measuredUntil === null ? 0 : now - seconds - this.measuredUntil;
    this.throughput.add(bits, Math.max(seconds, 1e-4), Math.max(pause, 0));
    this.measuredUntil = this.since = now;
    this.asked = null;
    this.bits = this.allBits = 0;
  }
}
