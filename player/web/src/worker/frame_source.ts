/** From chunks to frames that can be drawn, in order, as fast as they are taken. */

import { pictureOf, PlaneMemory } from "../decode/planes.ts";
import { VideoDecoding } from "../decode/video.ts";
import type { Loader } from "../fetch/loader.ts";
import type { Chunk } from "../format/chunk.ts";
import { unpackGeometry } from "../format/container.ts";
import { chunkMesh, type MovingVertices } from "../mesh/chunk_mesh.ts";
import { SoundDecoding } from "../sound/decode.ts";
import type { FromWorker } from "./messages.ts";

/** Hands a message to the page; `moved` goes with it instead of being copied. */
export type Post = (message: FromWorker, moved: Transferable[]) => void;

/** Where a run of frames begins; `position` is what the frame `index` of the show is called. */
export interface Start {
  readonly generation: number;
  readonly index: number;
  readonly position: number;
}

interface Playing {
  readonly chunk: Chunk;
  readonly mesh: number;
  readonly moving: MovingVertices;
  /** Position of its first frame. */
  readonly first: number;
}

export class FrameSource {
  private readonly video = new VideoDecoding((frame, place, spent) => this.deliver(frame, place, spent));
  private readonly memory = new PlaneMemory();
  private readonly soundDecoding: SoundDecoding | null;
  private playing: Playing[] = [];
  private start: Start = { generation: 0, index: 0, position: 0 };
  private stop = new AbortController();
  private meshes = 0;
  /** Pictures leave in the order in which they came, however long copying one takes. */
  private last: Promise<void> = Promise.resolve();
  private open = 0;
  private goOn: () => void = () => {};
  /** Where to go on: behind the newest frame that went to the page. */
  next: Start = { generation: 0, index: 0, position: 0 };
  decoded = 0;
  mostHeld = 0;

  constructor(
    private readonly loader: Loader,
    private readonly post: Post,
    private loop: boolean,
    sound: boolean,
  ) {
    const take = (time: number, channels: Float32Array[]): void =>
      post(
        { type: "sound", generation: this.start.generation, time, channels },
        channels.map((samples) => samples.buffer),
      );
    this.soundDecoding = sound ? new SoundDecoding(loader.manifest.sound!, take) : null;
  }

  /** Deliver from there on; whatever was under way is dropped. Rejects with what ended it. */
  async run(start: Start): Promise<void> {
    this.halt();
    this.start = this.next = start;
    const { signal } = (this.stop = new AbortController());
    try {
      await this.deliverAll(start, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  halt(): void {
    this.stop.abort();
    this.video.reset();
    this.soundDecoding?.reset();
    this.playing = [];
  }

  setLoop(loop: boolean): void {
    this.loop = loop;
    this.goOn();
  }

  /** The page has taken a frame from its queue, or let it go. */
  taken(memory: ArrayBuffer | null): void {
    if (memory) this.memory.give(memory);
    else this.open -= 1;
    this.video.waiting -= 1;
    this.video.moved();
  }

  private async deliverAll(start: Start, signal: AbortSignal): Promise<void> {
    const { index } = this.loader;
    let number = index.chunkOfFrame(start.index);
    let lap = start.position - start.index;
    let lapS = Math.round(lap / index.frameCount) * index.duration.toSeconds();
    for (;;) {
      const chunk = await this.loader.chunk(number, signal);
      signal.throwIfAborted();
      if (chunk) {
        await this.deliverChunk(chunk, lap + chunk.firstFrame, lapS, signal);
        if (this.loader.index.frameCount === 1) {
          // A still is on the screen for long: once more, as soon as it is here at a better rung.
          await this.video.finish();
          await this.loader.better(number, chunk.rung, signal);
          this.video.reset();
          continue;
        }
        // The next one is not made yet: what the decoder keeps back to bring pictures into order would come late.
        if (this.loader.live) await this.video.finish();
        number += 1;
        continue;
      }
      await this.video.finish();
      while (!this.loop) {
        await new Promise<void>((resolve) => (this.goOn = resolve));
        signal.throwIfAborted();
      }
      lap += this.loader.index.frameCount;
      lapS += this.loader.index.duration.toSeconds();
      number = 0;
    }
  }

  private async deliverChunk(chunk: Chunk, first: number, lapS: number, signal: AbortSignal): Promise<void> {
    const { manifest } = this.loader;
    const { mesh, moving } = chunkMesh(unpackGeometry(manifest, this.loader.index, chunk), manifest.projection);
    const id = ++this.meshes;
    this.post({ type: "mesh", id, mesh }, [
      mesh.directions.buffer,
      mesh.texels.buffer,
      mesh.disparities.buffer,
      mesh.indices.buffer,
    ]);
    this.playing.push({ chunk, mesh: id, moving, first });
    this.soundDecoding?.add(chunk, lapS);
    for (const unit of chunk.video) {
      await this.video.decode(unit, first + unit.frame, manifest.rungs[chunk.rung], signal);
    }
  }

  private deliver(frame: VideoFrame, place: number, spent: number): void {
    while (this.playing.length > 1 && this.playing[1].first <= place) this.playing.shift();
    const playing = this.playing[0];
    this.loader.spent(playing.chunk.rung, spent);
    if (place < this.start.position) return frame.close(); // on the way from the key picture to where it begins
    this.decoded += 1;
    this.video.waiting += 1;
    this.mostHeld = Math.max(this.mostHeld, ++this.open);
    const { generation } = this.start;
    const picture = pictureOf(frame, this.memory);
    this.last = this.last.then(async () => {
      const made = await picture.catch((error: unknown) =>
        this.video.fail(`a picture cannot be read (${String(error)})`),
      );
      if (!made) return;
      if (made.kind === "planes") this.open -= 1;
      const moving = playing.moving.at(place - playing.first);
      const index = playing.chunk.firstFrame + place - playing.first;
      if (generation === this.next.generation) {
        this.next = { generation, index: (index + 1) % this.loader.index.frameCount, position: place + 1 };
      }
      this.post(
        {
          type: "frame",
          generation,
          position: place,
          index,
          rung: playing.chunk.rung,
          mesh: playing.mesh,
          moving,
          picture: made,
        },
        [moving.buffer, made.kind === "planes" ? made.data : made.frame],
      );
    });
  }
}
