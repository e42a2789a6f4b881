/** How many bytes a session's server may have under way: enough to keep the way full, little enough to seek soon. */

const AHEAD_S = 0.2; // what is under way lasts for a round trip and this long
const ROUND_S = 0.2; // a way too slow to bring half a window is measured over this long

/**
 * The window follows the way: round by round it is what arrives in a round trip and AHEAD_S.
 *
 * A round lasts a round trip at least, and then until half a window has arrived or ROUND_S have passed. From one round
 * to the next the window at most doubles and at most halves: one hiccup is no verdict.
 */
export class CreditWindow {
  /** Bytes. */
  size: number;
  private readonly least: number;
  private readonly most: number;
  private began: number | null = null;
  private count = 0;

  /** All in bytes. The window starts at `first` and stays between `least` and `most`. */
  constructor({ first, least, most }: { first: number; least: number; most: number }) {
    this.size = Math.max(least, Math.min(first, most));
    this.least = least;
    this.most = most;
  }

  /** Payload has come, `now` in seconds of a steady clock; `rttS` is the way's round trip without queues. */
  received(bytes: number, now: number, rttS: number): void {
    if (this.began === null) {
      // What opens a burst says nothing about its rate: it may have waited.
      this.began = now;
      this.count = 0;
      return;
    }
    this.count += bytes;
    const elapsed = now - this.began;
    if (elapsed <= 0 || elapsed < rttS || (elapsed < ROUND_S && 2 * this.count < this.size)) return;
    const wanted = Math.floor((this.count / elapsed) * (rttS + AHEAD_S));
    const bounded = Math.max(Math.floor(this.size / 2), Math.min(wanted, 2 * this.size));
    this.size = Math.max(this.least, Math.min(bounded, this.most));
    this.began = now;
    this.count = 0;
  }

  /** The server has nothing to send, or may not: the time until more comes says nothing about the way. */
  pause(): void {
    this.began = null;
  }

  /** Bytes to grant now: none until half of the window is used up, then all that is missing to it. */
  grant(outstanding: number): number {
    return 2 * outstanding > this.size ? 0 : this.size - outstanding;
  }
}
