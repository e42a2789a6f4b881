/** How evenly pictures are made. */

const KEPT = 60;
/** What comes later than this many refreshes after the one before has missed some. */
const MISSED = 1.5;

export class Pace {
  private readonly steps: number[] = [];
  /** Refreshes of the display without a picture of a new head pose. */
  missed = 0;

  /** A picture begins `seconds` after the one before. */
  add(seconds: number): void {
    this.steps.push(seconds);
    if (this.steps.length > KEPT) this.steps.shift();
    // The shortest steps are those of the display: they vary little, the others are whole multiples.
    const refresh = [...this.steps].sort((a, b) => a - b)[this.steps.length >> 3];
    if (seconds > MISSED * refresh) this.missed += Math.round(seconds / refresh) - 1;
  }

  /** After a pause the time before it does not count. */
  restart(): void {
    this.steps.length = 0;
  }

  get perSecond(): number {
    const sum = this.steps.reduce((a, b) => a + b, 0);
    return sum > 0 ? this.steps.length / sum : 0;
  }
}
