/** A show that is open: its worker, its frames on the way to the screen, and the play position. */

import type { Layers } from "../draw/layers.ts";
import type { SoundOutput } from "../sound/output.ts";
import type { FromWorker, ShowFacts, WorkerFigures } from "../worker/messages.ts";
import { FrameQueue, type ReadyFrame } from "./frame_queue.ts";
import { WorkerLink } from "./link.ts";
import { Playback } from "./playback.ts";
import type { Failure, ShownFrame } from "./port.ts";

export interface ShowEvents {
  opened(facts: ShowFacts): void;
  failed(failure: Failure): void;
}

/** How a show is to be played; what is asked for while it opens changes it. */
export interface Opening {
  /** Absolute. */
  readonly src: string;
  readonly token: string;
  readonly mostTexels: number;
  /** The name of a rung to fix. */
  rung: string | null;
  loop: boolean;
  playing: boolean;
  headset: boolean;
  /** Where to begin instead of the show's own beginning, seconds. */
  time: number | null;
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
    const { src, token, rung, loop, headset, mostTexels } = opening;
    this.link.open({ src, token, rung, loop, headset, mostTexels });
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

  play(): void {
    this.opening.playing = true;
    this.playback?.play();
  }

  pause(): void {
    this.opening.playing = false;
    this.playback?.pause();
  }

  seek(seconds: number): void {
    this.opening.time = seconds;
    this.playback?.seek(seconds);
  }

  /** By its name; null adapts, as does a name that the show does not have. */
  fixRung(name: string | null): void {
    this.opening.rung = name;
    if (this.facts) this.link.send({ type: "fix", rung: this.rungNamed(name) });
  }

  /** The rung of that name, null where the show has none that can be played. */
  rungNamed(name: string | null): number | null {
    const found = this.facts?.rungs.findIndex((rung) => rung.name === name && !rung.trouble) ?? -1;
    return found < 0 ? null : found;
  }

  setHeadset(on: boolean): void {
    this.opening.headset = on;
    if (this.facts) this.link.send({ type: "headset", on });
  }

  setLoop(on: boolean): void {
    this.opening.loop = on;
    if (this.facts) this.link.send({ type: "loop", on });
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
    const { loop, playing, time, headset, rung } = this.opening;
    this.facts = facts;
    // Some of it may have been asked for while the worker was opening.
    this.link.send({ type: "headset", on: headset });
    this.link.send({ type: "loop", on: loop });
    this.fixRung(rung);
    const options = { first: facts.first, live: facts.live, playing, loop };
    this.playback = new Playback(chunks, options, this.queue, this.sound, (generation, index, position) => {
      this.link.send({ type: "seek", generation, index, position });
    });
    if (time !== null && !facts.live) this.playback.seek(time);
    this.events.opened(facts);
  }
}
