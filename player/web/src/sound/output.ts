/** Sound leaves the page, and is the clock while it does. */

/** Stretches are handed to the system this long before they are heard, seconds. */
const AHEAD_S = 0.4;
/** A stretch that is late by more than this is not begun any more. */
const LATE_S = 0.02;
/** What is over is kept for so long: the clock may go back a little. */
const KEPT_S = 1;
const RATE = 48_000;

interface Stretch {
  readonly time: number;
  readonly end: number;
  readonly channels: readonly Float32Array[];
  node: AudioBufferSourceNode | null;
}

/**
 * Stretches of samples in order of the show's time, which counts on from lap to lap.
 *
 * Silent until `unlock`, which browsers allow in a viewer's gesture.
 */
export class SoundOutput {
  private context: AudioContext | null = null;
  private gain: GainNode | null = null;
  private stretches: Stretch[] = [];
  /** Show time minus the context's time while sound runs. */
  private offset: number | null = null;
  private level = 1;

  /** Begins to be heard, where the browser allows it. */
  async unlock(): Promise<void> {
    if (!this.context) {
      this.context = new AudioContext({ sampleRate: RATE, latencyHint: "playback" });
      this.gain = this.context.createGain();
      this.gain.connect(this.context.destination);
      this.gain.gain.value = this.level;
    }
    await this.context.resume();
  }

  /** 0 to 1. */
  setLevel(level: number): void {
    this.level = level;
    if (this.gain) this.gain.gain.value = level;
  }

  /** Whether time may be told by what is heard. */
  get running(): boolean {
    return this.context?.state === "running" && this.offset !== null;
  }

  /** The show's time of what is heard now; null where nothing is. */
  get time(): number | null {
    if (!this.running) return null;
    const context = this.context!;
    return context.currentTime - (context.outputLatency || 0) + this.offset!;
  }

  add(time: number, channels: readonly Float32Array[]): void {
    this.stretches.push({ time, end: time + channels[0].length / RATE, channels, node: null });
  }

  /** Whether sound of this time is here. */
  has(time: number): boolean {
    return this.stretches.some((stretch) => stretch.time <= time && time < stretch.end);
  }

  /** From now on what is heard is of `time`. */
  start(time: number): void {
    this.stop();
    const context = this.context;
    if (context?.state !== "running") return;
    // What is handed over now is heard a latency later; the picture waits for it.
    this.offset = time - context.currentTime + (context.outputLatency || 0);
    this.pump(time);
  }

  /** Lets go of what is over at the show's `time`, heard or not, and hands over what is due. For every picture. */
  pump(time: number): void {
    if (this.stretches[0]?.end < time - KEPT_S) {
      this.stretches = this.stretches.filter((stretch) => stretch.end >= time - KEPT_S);
    }
    if (!this.running) return;
    const context = this.context!;
    const now = context.currentTime + this.offset!;
    for (const stretch of this.stretches) {
      if (stretch.node || stretch.time > now + AHEAD_S || stretch.end < now + LATE_S) continue;
      this.hand(stretch, now);
    }
  }

  stop(): void {
    this.offset = null;
    for (const stretch of this.stretches) {
      stretch.node?.stop();
      stretch.node = null;
    }
  }

  /** Forgets all sound: it is of another place of the show. */
  clear(): void {
    this.stop();
    this.stretches = [];
  }

  close(): void {
    this.clear();
    void this.context?.close();
    this.context = null;
  }

  private hand(stretch: Stretch, now: number): void {
    const context = this.context!;
    const buffer = context.createBuffer(stretch.channels.length, stretch.channels[0].length, RATE);
    stretch.channels.forEach((samples, channel) => buffer.copyToChannel(samples as Float32Array<ArrayBuffer>, channel));
    stretch.node = new AudioBufferSourceNode(context, { buffer });
    stretch.node.connect(this.gain!);
    const late = Math.max(now - stretch.time, 0);
    stretch.node.start(context.currentTime + Math.max(stretch.time - now, 0), late);
  }
}
