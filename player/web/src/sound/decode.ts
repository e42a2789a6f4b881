/** Opus packets become stretches of samples with exact times, off the page's thread. */

import type { Chunk } from "../format/chunk.ts";
import type { Sound } from "../format/manifest.ts";

const RATE = 48_000;
/** Samples that are sent to the page at once, at least: 0.1 s. */
const STRETCH = RATE / 10;

/** `time`: seconds on the show's clock of the first sample, counting on from lap to lap; one array per channel. */
export type TakeSound = (time: number, channels: Float32Array[]) => void;

interface Waiting {
  /** Sample number, 48 kHz, counting on from lap to lap. */
  readonly start: number;
  /** Samples before this one are not heard: they only bring the decoder up to date. */
  readonly heard: number;
}

/** Whether the browser has what it takes; a show is watched silently where it does not. */
export async function hearsSound(sound: Sound | null): Promise<boolean> {
  if (!sound || sound.channels > 2 || typeof AudioDecoder === "undefined") return false;
  return (await AudioDecoder.isConfigSupported(config(sound))).supported === true;
}

export class SoundDecoding {
  private decoder: AudioDecoder | null = null;
  private readonly inside: Waiting[] = [];
  private lap = 0;
  private newest: number | null = null;
  private pending: Float32Array[] = [];
  private pendingStart = 0;

  constructor(
    private readonly sound: Sound,
    private readonly take: TakeSound,
  ) {}

  /** Decode a chunk's packets; those that the chunk before has brought already are left out. `lapS`: added to times. */
  add(chunk: Chunk, lapS: number): void {
    const lap = Math.round(lapS * RATE);
    // After a jump, and at the show's start, packets before the chunk only bring the decoder up to date (pre-roll).
    if (lap !== this.lap) [this.lap, this.newest] = [lap, null];
    const heard = this.newest === null ? lap + Math.round(chunk.start.toSeconds() * RATE) : lap;
    for (const packet of chunk.sound) {
      const start = lap + Math.round(packet.time.toSeconds() * RATE);
      if (this.newest !== null && start <= this.newest) continue;
      this.newest = start;
      this.submit(packet.data, { start, heard });
    }
  }

  /** Forget everything: what comes next starts anew. */
  reset(): void {
    if (this.decoder && this.decoder.state !== "closed") this.decoder.close();
    this.decoder = this.newest = null;
    this.inside.length = 0;
    this.pending = [];
  }

  private submit(data: Uint8Array, waiting: Waiting): void {
    if (!this.decoder) {
      const decoder: AudioDecoder = new AudioDecoder({
        output: (samples) => (decoder === this.decoder ? this.output(samples) : samples.close()),
        // A show whose sound is broken is still watched.
        error: () => decoder === this.decoder && (this.inside.length = 0),
      });
      decoder.configure(config(this.sound));
      this.decoder = decoder;
    }
    if (this.decoder.state !== "configured") return;
    this.inside.push(waiting);
    const timestamp = Math.round((waiting.start * 1e6) / RATE);
    this.decoder.decode(new EncodedAudioChunk({ type: "key", timestamp, data }));
  }

  private output(samples: AudioData): void {
    const waiting = this.inside.shift();
    if (!waiting) return samples.close();
    const skipped = Math.min(Math.max(waiting.heard - waiting.start, 0), samples.numberOfFrames);
    const channels = Array.from({ length: samples.numberOfChannels }, (_, planeIndex) => {
      const all = new Float32Array(samples.numberOfFrames);
      samples.copyTo(all, { planeIndex, format: "f32-planar" });
      return all.subarray(skipped);
    });
    samples.close();
    if (channels[0]?.length) this.gather(waiting.start + skipped, channels);
  }

  private gather(start: number, channels: Float32Array[]): void {
    const length = this.pending[0]?.length ?? 0;
    if (length && this.pendingStart + length !== start) this.send();
    if (!this.pending.length) this.pendingStart = start;
    this.pending = this.pending.length ? this.pending.map((had, i) => joined(had, channels[i])) : channels;
    if (this.pending[0].length >= STRETCH || !this.inside.length) this.send();
  }

  private send(): void {
    const channels = this.pending.map((samples) => samples.slice());
    this.pending = [];
    if (channels.length) this.take(this.pendingStart / RATE, channels);
  }
}

function config(sound: Sound): AudioDecoderConfig {
  return { codec: "opus", sampleRate: RATE, numberOfChannels: sound.channels };
}

function joined(a: Float32Array, b: Float32Array): Float32Array {
  const out = new Float32Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
