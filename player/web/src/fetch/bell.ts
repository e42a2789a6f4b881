/** Something that waits are woken by. */

/** Every `next` that waits comes to its end at the next `ring`. */
export class Bell {
  private waiting = new Set<() => void>();

  ring(): void {
    const waiting = this.waiting;
    this.waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** The next ring, or `seconds` later. Rejects with the signal's reason once that is aborted. */
  async next({ seconds, signal }: { seconds?: number; signal?: AbortSignal }): Promise<void> {
    signal?.throwIfAborted();
    let wake: () => void = () => {};
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      wake = resolve;
      this.waiting.add(wake);
      signal?.addEventListener("abort", wake);
      if (seconds !== undefined) timer = setTimeout(wake, 1000 * seconds);
    });
    this.waiting.delete(wake);
    signal?.removeEventListener("abort", wake);
    clearTimeout(timer);
    signal?.throwIfAborted();
  }
}
