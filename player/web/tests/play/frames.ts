/** A show without a worker: frames that a test lets come. */

import { FrameQueue } from "../../src/play/frame_queue.ts";
import { Playback, type PlaybackOptions } from "../../src/play/playback.ts";
import type { SoundOutput } from "../../src/sound/output.ts";
import type { ChunkTimes, FrameMessage } from "../../src/worker/messages.ts";
import type { DrawMesh } from "../../src/mesh/chunk_mesh.ts";

/** Two chunks of 5 frames at 10 frames a second. */
export const TIMES: ChunkTimes = { starts: [0, 0.5], firstFrames: [0, 5], duration: 1, frameCount: 10 };

const MESH: DrawMesh = {
  directions: new Float32Array(0),
  texels: new Float32Array(0),
  disparities: new Float32Array(0),
  indices: new Uint32Array(0),
  layers: [],
  firstMoving: 0,
};

/** A sound device whose time a test sets. */
export class FakeSound {
  time: number | null = null;
  readonly calls: string[] = [];
  here = false;

  get running(): boolean {
    return this.time !== null;
  }

  has(): boolean {
    return this.here;
  }

  start(time: number): void {
    this.time = time;
    this.calls.push(`start ${time}`);
  }

  stop(): void {
    this.time = null;
    this.calls.push("stop");
  }

  clear(): void {
    this.time = null;
    this.calls.push("clear");
  }
}

export class FakeShow {
  readonly sound = new FakeSound();
  readonly taken: number[] = [];
  readonly seeks: [generation: number, index: number, position: number][] = [];
  readonly queue = new FrameQueue((frame) => this.taken.push(frame.position));
  readonly playback: Playback;

  constructor(options: Partial<PlaybackOptions> = {}, times = TIMES) {
    const all = { first: 0, live: false, playing: true, loop: false, ...options };
    this.queue.addMesh(1, MESH);
    const seek = (...seek: [number, number, number]): unknown => this.seeks.push(seek);
    this.playback = new Playback(times, all, this.queue, this.sound as unknown as SoundOutput, seek);
  }

  /** Frames come, of the newest generation. */
  come(...positions: number[]): void {
    const [generation] = this.seeks.at(-1)!;
    for (const position of positions) this.queue.add(frame(generation, position));
  }

  /** Time goes on; which position is shown now. */
  go(seconds: number, edge: number | null = null): number | null {
    const found = this.playback.advance(seconds, edge);
    if (found) this.queue.shown(found);
    return found?.position ?? null;
  }
}

export function frame(generation: number, position: number): FrameMessage {
  return {
    type: "frame",
    generation,
    position,
    index: position % TIMES.frameCount,
    rung: 0,
    mesh: 1,
    moving: new Float32Array(0),
    picture: { kind: "planes", data: new ArrayBuffer(0), width: 2, height: 2 },
  };
}
