/** Seconds of a clock that never goes back. */
export function monotonicS(): number {
  return performance.now() / 1000;
}
