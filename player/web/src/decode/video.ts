/** Coded pictures become decoded ones; which frame each of them is, its timestamp alone says. */

import type { VideoUnit } from "../format/chunk.ts";
import { FormatError, LfvError } from "../format/errors.ts";
import type { Rung } from "../format/manifest.ts";
import { mayDecode } from "./gate.ts";
import { decoderConfig } from "./support.ts";

// Timestamps are places in the order of time, not times: exact, and none comes twice.
const STEP_US = 1000;

/** What the decoder gives: the frame belongs to the taker, who closes it. `spent`: seconds of decoding. */
export type Taker = (frame: VideoFrame, place: number, spent: number) => void;

/** A device's decoder cannot go on with a rung that it said it could decode. */
export class DecoderError extends LfvError {
  override readonly name = "DecoderError";

  constructor(
    readonly rung: Rung,
    reason: string,
  ) {
    super(`the ${rung.codec} decoder of this device gave up (${reason}); try another browser`);
  }
}

interface Submitted {
  readonly rung: Rung;
  readonly at: number;
}

export class VideoDecoding {
  private decoder: VideoDecoder | null = null;
  private configured: Rung | null = null;
  private readonly inside = new Map<number, Submitted>();
  private expected: number | null = null;
  private lastOutput = 0;
  private wake: () => void = () => {};
  /** Frames that were given and wait to be shown; whoever takes them counts. */
  waiting = 0;
  error: Error | null = null;

  constructor(private readonly take: Taker) {}

  /** Submit a picture as soon as there is room. `place`: of its frame in the order of time, counting on. */
  async decode(unit: VideoUnit, place: number, rung: Rung, signal: AbortSignal): Promise<void> {
    if (rung !== this.configured) await this.configure(rung, signal);
    await this.room(signal);
    this.expected ??= place;
    this.inside.set(place, { rung, at: performance.now() });
    this.decoder!.decode(
      new EncodedVideoChunk({ type: unit.key ? "key" : "delta", timestamp: place * STEP_US, data: unit.data }),
    );
  }

  /** All pictures that were submitted have come. */
  async finish(): Promise<void> {
    if (this.decoder?.state !== "configured" || !this.inside.size) return;
    await this.decoder.flush();
    this.check();
    if (this.inside.size) throw new FormatError(`${this.inside.size} pictures are missing from the video`);
  }

  /** Forget everything: what comes next starts anew. */
  reset(): void {
    if (this.decoder && this.decoder.state !== "closed") this.decoder.close(); // an error has closed it already
    this.decoder = this.configured = this.expected = this.error = null;
    this.inside.clear();
    this.wake();
  }

  /** Nothing that comes can be shown: `decode` and `finish` reject with it. */
  fail(message: string): void {
    this.error ??= new FormatError(message);
    this.wake();
  }

  /** Something was taken or let go. */
  moved(): void {
    this.wake();
  }

  private async configure(rung: Rung, signal: AbortSignal): Promise<void> {
    const before = this.configured;
    if (before) await this.finish();
    signal.throwIfAborted();
    this.configured = rung;
    if (this.decoder && before && sameStream(before, rung)) return;
    this.decoder ??= this.made();
    this.decoder.configure(decoderConfig(rung));
  }

  private made(): VideoDecoder {
    const decoder = new VideoDecoder({
      output: (frame) => {
        if (decoder === this.decoder) this.output(frame);
        else frame.close();
      },
      error: (error) => {
        if (decoder !== this.decoder) return;
        this.error ??= new DecoderError(this.configured!, error.message);
        this.wake();
      },
    });
    decoder.addEventListener("dequeue", () => this.wake());
    return decoder;
  }

  private output(frame: VideoFrame): void {
    const place = frame.timestamp / STEP_US;
    const submitted = this.inside.get(place);
    const size = frame.visibleRect;
    const rung = submitted?.rung;
    if (!rung || place !== this.expected) {
      frame.close();
      this.fail(`a picture is out of step with the geometry (${place}, expected ${this.expected})`);
    } else if (size?.width !== rung.width || size.height !== rung.height) {
      frame.close();
      this.fail(`a picture is ${size?.width}x${size?.height}; the manifest says ${rung.width}x${rung.height}`);
    } else {
      this.inside.delete(place);
      this.expected = place + 1;
      // A decoder works on one picture after the other: this one since it came in, or since the one before came out.
      const now = performance.now();
      const spent = (now - Math.max(this.lastOutput, submitted.at)) / 1000;
      this.lastOutput = now;
      this.take(frame, place, spent);
    }
    this.wake();
  }

  private check(): void {
    if (this.error) throw this.error;
  }

  private async room(signal: AbortSignal): Promise<void> {
    for (;;) {
      this.check();
      signal.throwIfAborted();
      const queued = this.decoder!.decodeQueueSize;
      if (mayDecode({ waiting: this.waiting, inside: this.inside.size, queued })) return;
      // Whoever aborts calls `reset`, which wakes this.
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}

function sameStream(a: Rung, b: Rung): boolean {
  return a.codecString === b.codecString && a.width === b.width && a.height === b.height;
}
