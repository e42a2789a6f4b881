/**
 * Bits per second of the transfers so far.
 *
 * The estimate is the smaller of a fast and a slow exponentially weighted mean, so that a drop is believed at once and a
 * rise only when it lasts.
 */

const MOST_AGEING_S = 1;

/** Exponentially weighted; what is not yet covered by samples has no weight. */
export class Mean {
  private sum = 0;
  private weight = 0;

  constructor(private readonly halfLifeS: number) {}

  add(value: number, seconds: number): void {
    const kept = 0.5 ** (seconds / this.halfLifeS);
    this.sum = kept * this.sum + (1 - kept) * value;
    this.weight = kept * this.weight + (1 - kept);
  }

  get value(): number | null {
    return this.weight > 0 ? this.sum / this.weight : null;
  }
}

export class Throughput {
  private readonly fast: Mean;
  private readonly slow: Mean;

  /** Half-lives, seconds. */
  constructor({ fastS, slowS }: { fastS: number; slowS: number }) {
    this.fast = new Mean(fastS);
    this.slow = new Mean(slowS);
  }

  /**
   * A transfer of `bits` took `seconds`, `afterS` seconds in which nothing was asked for.
   *
   * A pause ages what was measured before it, so that short transfers with pauses between them count for more.
   */
  add(bits: number, seconds: number, afterS = 0): void {
    if (seconds <= 0) return;
    for (const mean of [this.fast, this.slow]) mean.add(bits / seconds, seconds + Math.min(afterS, MOST_AGEING_S));
  }

  /** Bits per second by the fast mean alone, null before the first transfer. */
  get latest(): number | null {
    return this.fast.value;
  }

  /** Bits per second by the more careful of the two means, null before the first transfer. */
  get estimate(): number | null {
    const [fast, slow] = [this.fast.value, this.slow.value];
    return fast === null || slow === null ? null : Math.min(fast, slow);
  }
}
