/** Exact times and rates: what SPEC 1.1 calls a ratio. */

/** numerator / denominator in lowest terms, the denominator at least 1. Made by `ratio`. */
export class Ratio {
  constructor(
    readonly numerator: bigint,
    readonly denominator: bigint,
  ) {}

  /** The nearest double, but for the last place of values with more than 53 bits above the line. */
  toSeconds(): number {
    const exact = Number.MAX_SAFE_INTEGER;
    if (this.numerator <= exact && this.numerator >= -exact) return Number(this.numerator) / Number(this.denominator);
    const whole = this.numerator / this.denominator;
    return Number(whole) + Number(this.numerator - whole * this.denominator) / Number(this.denominator);
  }

  toString(): string {
    return this.denominator === 1n ? `${this.numerator}` : `${this.numerator}/${this.denominator}`;
  }
}

export const ZERO = new Ratio(0n, 1n);

/** The ratio in lowest terms; the denominator is above 0. */
export function ratio(numerator: bigint | number, denominator: bigint | number = 1n): Ratio {
  const n = BigInt(numerator);
  const d = BigInt(denominator);
  const divisor = commonDivisor(n < 0n ? -n : n, d);
  return new Ratio(n / divisor, d / divisor);
}

/** Of two that are not negative. */
export function commonDivisor(a: bigint, b: bigint): bigint {
  while (b > Number.MAX_SAFE_INTEGER || a > Number.MAX_SAFE_INTEGER) {
    if (!b) return a;
    [a, b] = [b, a % b];
  }
  // An index has ten thousands of ratios: doubles are many times faster.
  let x = Number(a);
  let y = Number(b);
  while (y) [x, y] = [y, x % y];
  return BigInt(x);
}

export function sum(a: Ratio, b: Ratio): Ratio {
  return ratio(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator);
}

/** Below 0, 0 or above 0 as `a` is less than, equal to or greater than `b`. */
export function compare(a: Ratio, b: Ratio): number {
  const left = a.numerator * b.denominator;
  const right = b.numerator * a.denominator;
  return left < right ? -1 : left > right ? 1 : 0;
}

export function same(a: Ratio, b: Ratio): boolean {
  return a.numerator === b.numerator && a.denominator === b.denominator;
}
