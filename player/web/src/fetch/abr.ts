/**
 * Which rung to ask for: by throughput, by what is buffered, and by what this machine decodes and draws in time.
 *
 * Pure: every method is told the time. As player/abr.py, number by number; besides, rungs may be excluded that the
 * device cannot show.
 */

import { UsageError } from "../format/errors.ts";
import { Mean, Throughput } from "./throughput.ts";

/** How cautious the choice is. */
export interface AbrConfig {
  /** Half-lives of the two means, seconds. */
  readonly fastS: number;
  readonly slowS: number;
  /** Share of the estimate that a rung may take. */
  readonly safety: number;
  /** How long the next rung has to have fitted before it is taken. */
  readonly headroomS: number;
  /** A segment that needs longer than this is given up for a smaller one. */
  readonly mostWaitS: number;
  /** Share of a frame's time that decoding or drawing it may take. */
  readonly busy: number;
  /** How long it has to be too much before the rung is lowered. */
  readonly busyS: number;
  /** How long that rung is left alone then; doubles each time. */
  readonly restS: number;
}

export const ABR: AbrConfig = {
  fastS: 0.75,
  slowS: 4,
  safety: 0.85,
  headroomS: 10,
  mostWaitS: 2,
  busy: 0.95,
  busyS: 2,
  restS: 30,
};

/** Chooses among rungs by what is measured; `lock` fixes one by hand. */
export class RungChooser {
  readonly throughput: Throughput;
  /** The rungs that may be used, by their rates. */
  private order: number[];
  private wish: number | null = null;
  private choice: number | null = null;
  private measuredChoice = false;
  private readonly fitsSince = new Map<number, number>();
  private guard: Guard;

  /** @param rates bits per second of the rungs, in any order; all indices are into it. */
  constructor(
    private readonly rates: readonly number[],
    private readonly config: AbrConfig = ABR,
  ) {
    this.throughput = new Throughput(config);
    this.order = [];
    this.guard = new Guard(config);
    this.allow(rates.map((_, rung) => rung));
  }

  /** The rung chosen last; the lowest before any choice. */
  get current(): number {
    return this.locked ?? this.choice ?? this.order[0];
  }

  /** The rung that was fixed by hand, null where none is that may be used. */
  get locked(): number | null {
    return this.wish !== null && this.allows(this.wish) ? this.wish : null;
  }

  /** Fix the rung; null lets it be chosen again. Where it may not be used, it is fixed as soon as it may. */
  lock(rung: number | null): void {
    this.wish = rung;
  }

  /** Only these rungs may be used. What was learnt about the machine is forgotten. Throws UsageError for none. */
  allow(rungs: readonly number[]): void {
    if (!rungs.length) throw new UsageError("no rung of the show may be used; allow one at least");
    this.order = [...rungs].sort((a, b) => this.rates[a] - this.rates[b] || a - b);
    this.guard = new Guard(this.config);
    this.fitsSince.clear();
    if (this.choice !== null && !this.allows(this.choice)) {
      this.choice = null;
      this.measuredChoice = false;
    }
  }

  /** Whether the rung may be used. */
  allows(rung: number): boolean {
    return this.order.includes(rung);
  }

  /** Decoding or drawing a frame of the rung took `seconds`; frames follow each other by `interval` seconds. */
  spent(rung: number, seconds: number, { interval, now }: { interval: number; now: number }): void {
    const place = this.order.indexOf(rung);
    if (this.locked === null && interval > 0 && place >= 0) this.guard.spent(place, seconds / interval, now);
  }

  /**
   * The rung for the next chunk.
   *
   * @param rates bits per second of each rung there.
   * @param now seconds of a steady clock.
   */
  choose(rates: readonly number[], now: number): number {
    if (this.locked !== null) return this.locked;
    const { estimate, latest } = this.throughput;
    if (estimate === null || latest === null) return (this.choice = this.order[0]);
    const budget = this.config.safety * estimate;
    const highest = this.guard.highest(this.order.length, now);
    let fitting = 0;
    this.order.forEach((rung, place) => {
      // Whether it lasts is asked of the fast mean: the slow one would ask for the same patience twice.
      if (place && rates[rung] > this.config.safety * latest) this.fitsSince.delete(rung);
      else if (!this.fitsSince.has(rung)) this.fitsSince.set(rung, now);
      if (rates[rung] <= budget) fitting = place;
    });
    this.choice = this.order[Math.min(this.place(fitting, now), highest)];
    this.measuredChoice = true;
    return this.choice;
  }

  private place(fitting: number, now: number): number {
    // The start: what the first transfer measured is taken at once.
    if (!this.measuredChoice || this.choice === null) return fitting;
    const place = this.order.indexOf(this.choice);
    for (let higher = fitting; higher > place; higher--) {
      // A rung between may not fit although a higher one does: sizes of single chunks follow no order.
      const since = this.fitsSince.get(this.order[higher]) ?? now;
      if (now - since >= this.config.headroomS) return higher;
    }
    return Math.min(fitting, place);
  }

  /**
   * Whether the segment under way should make room for the same chunk at a lower rung.
   *
   * @param leftBits that are still to come of it.
   * @param lowerBits of the other segment.
   * @param bufferS seconds that can be played without either.
   */
  givesUp({ leftBits, lowerBits, bufferS }: { leftBits: number; lowerBits: number; bufferS: number }): boolean {
    const { estimate } = this.throughput;
    if (this.locked !== null || !estimate) return false;
    const [leftS, lowerS] = [leftBits / estimate, lowerBits / estimate];
    return 2 * lowerS < leftS && leftS > Math.min(this.config.mostWaitS, bufferS);
  }
}

/** Remembers which places of the order this machine was too slow for. */
class Guard {
  private readonly load = new Map<number, Mean>();
  private readonly busySince = new Map<number, number>();
  private readonly barred = new Map<number, number>();
  private restS: number;

  constructor(private readonly config: AbrConfig) {
    this.restS = config.restS;
  }

  spent(place: number, load: number, now: number): void {
    const mean = this.load.get(place) ?? new Mean(15);
    this.load.set(place, mean);
    mean.add(load, 1);
    if (mean.value! <= this.config.busy) {
      this.busySince.delete(place);
      return;
    }
    const since = this.busySince.get(place) ?? now;
    this.busySince.set(place, since);
    if (now - since < this.config.busyS || !place) return;
    this.barred.set(place, now + this.restS);
    this.restS *= 2;
    this.busySince.delete(place);
    this.load.delete(place);
  }

  /** The highest place of `count` that may be used now. */
  highest(count: number, now: number): number {
    for (const [place, until] of [...this.barred]) if (until <= now) this.barred.delete(place);
    return Math.min(count, ...this.barred.keys()) - 1;
  }
}
