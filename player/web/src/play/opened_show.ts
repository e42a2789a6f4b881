/** A show that is open: its worker, its frames on the way to the screen, and the play position. */

import type { Layers } from "../draw/layers.ts";
import type { SoundOutput } from "../sound/output.ts";
import type { FromWorker, ShowFacts, WorkerFigures } from "../worker/messages.ts";
import { FrameQueue, type ReadyFrame } from "./frame_queue.ts";
import { WorkerLink } from "./link.ts";
import { Playback } from "./playback.ts";
import type { Failure, PlayerOptions, ShownFrame } from "./port.ts";

export interface ShowEvents {
  opened(facts: ShowFacts): void;
  failed(failure: Failure): void;
}

export interface Opening {
  readonly options: Pick<PlayerOptions, "src" | "token" | "rung">;
  readonly loop: boolean;
  readonly playing: boolean;
  readonly headset: boolean;
  readonly mostTexels: number;
  /** Where to begin instead of the show's own beginning, seconds. */
  readonly time: number | null;
}

export class OpenedShow {
  readonly queue: FrameQueue;
  facts: ShowFacts | null = null;
  playback: Playback | null = null;
  figures: WorkerFigures | null = null;
  displayed = 0;
  private figuresAt = 0;
  private readonly link: WorkerLink;

  constructor(
    private readonly opening: Opening,
    private readonly sound: SoundOutput,
    private readonly events: ShowEvents,
  ) {
    this.link = new WorkerLink(
      (message) => this.take(message),
      (message) => events.failed({ message, retry: true, passing: false }),
    );
    this.queue = new FrameQueue((frame) => this.link.taken(frame));
    const { options, loop, headset, mostTexels } = opening;
    // The worker is a blob and knows no address of its own.
    const src = new URL(options.src, document.baseURI).href;
    this.link.open({ src, token: options.token, rung: options.rung, loop, headset, mostTexels });
  }

  /** Where a live show's edge is now, seconds; null where the show grows no more. */
  get edge(): number | null {
    const { figures, facts, playback } = this;
    if (!figures) return facts?.live ? playback!.duration : null;
    return figures.live ? figures.edge + (performance.now() - this.figuresAt) / 1000 : null;
  }

  /** Time goes on: the frame that is due goes to the GPU. Tells whether there was one. Not amid a pass. */
  advance(seconds: number, layers: Layers): boolean {
    const frame = this.playback?.advance(seconds, this.edge);
    if (!frame) return false;
    this.show(frame, layers);
    return true;
  }

  /** The frame on the screen. */
  shownFrame(): ShownFrame | null {
    const { playback } = this;
    if (!playback?.frame) return null;
    const { index, rung } = playback.frame;
    return { index, rung, time: playback.frameTime };
  }

  fixRung(rung: number | null): void {
    this.link.send({ type: "fix", rung });
  }

  setHeadset(on: boolean): void {
    this.link.send({ type: "headset", on });
  }

  setLoop(on: boolean): void {
    this.link.send({ type: "loop", on });
    this.playback?.setLoop(on);
  }

  close(): void {
    this.link.close();
    this.queue.begin(-1);
    this.sound.clear();
  }

  private show(frame: ReadyFrame, layers: Layers): void {
    const began = performance.now();
    layers.take(frame.shape, frame.moving, frame.picture, this.facts!.layouts[frame.rung]);
    this.queue.shown(frame);
    this.displayed += 1;
    this.link.send({ type: "spent", rung: frame.rung, seconds: (performance.now() - began) / 1000 });
  }

  private take(message: FromWorker): void {
    switch (message.type) {
      case "opened":
        return this.open(message);
      case "chunks":
        return this.playback?.grow(message.chunks);
      case "figures":
        [this.figures, this.figuresAt] = [message.figures, performance.now()];
        return;
      case "mesh":
        return this.queue.addMesh(message.id, message.mesh);
      case "frame":
        return this.queue.add(message);
      case "sound":
        if (this.playback?.isCurrent(message.generation)) this.sound.add(message.time, message.channels);
        return;
      case "failed":
        return this.events.failed(message);
    }
  }

  private open({ facts, chunks }: Extract<FromWorker, { type: "opened" }>): void {
    const { loop, playing, time } = this.opening;
    this.facts = facts;
    const options = { first: facts.first, live: facts.live, playing, loop };
    this.playback = new Playback(chunks, options, this.queue, this.sound, (generation, index, position) => {
      this.link.send({ type: "seek", generation, index, position });
    });
    if (time !== null && !facts.live) this.playback.seek(time);
    this.events.opened(facts);
  }
}
