/**
 * Which frame is shown when: time goes on while frames come, waits while they are late, follows a live edge. Where sound
 * is heard, it is the clock.
 */

import type { SoundOutput } from "../sound/output.ts";
import type { ChunkTimes } from "../worker/messages.ts";
import type { FrameQueue, ReadyFrame } from "./frame_queue.ts";
import { calm, held, type LiveHold, liveHold, stalled } from "./live.ts";
import { frameAt, timeOf } from "./times.ts";

/** Without the frame that is due for so long, the picture stands still visibly. */
const STALL_S = 0.2;
/** So far may the picture lag behind what is heard before the sound waits for it. */
const MOST_LAG_S = 0.3;
/** So near to the end of what there is of a live show, the next frame has not come. */
const AT_EDGE_S = 2e-3;
/** Time that moves by more than this in one turn has jumped. */
const JUMP_S = 1;

/** Asks the worker for frames from `index` of the show on; the first is called `position`. */
export type SeekWorker = (generation: number, index: number, position: number) => void;

export interface PlaybackOptions {
  /** The frame to begin with. */
  readonly first: number;
  readonly live: boolean;
  readonly playing: boolean;
  readonly loop: boolean;
}

export class Playback {
  /** Seconds since the start of the lap in which the newest jump went; a looping show counts on. */
  private time: number;
  private generation = 0;
  private lateS = 0;
  private hold: LiveHold | null = null;
  private looping: boolean;
  playing: boolean;
  /** The one on the screen. */
  frame: ReadyFrame | null = null;

  constructor(
    private times: ChunkTimes,
    options: PlaybackOptions,
    private readonly queue: FrameQueue,
    private readonly sound: SoundOutput,
    private readonly seekWorker: SeekWorker,
  ) {
    this.time = timeOf(times, options.first);
    this.playing = options.playing;
    this.looping = options.loop;
    if (options.live) this.hold = liveHold(times.duration - this.time);
    this.jump();
  }

  /** As `showTime`, but counting on from lap to lap: what sound's times are in. */
  get position(): number {
    return this.time;
  }

  /** On the show's clock, seconds. */
  get showTime(): number {
    const { duration } = this.times;
    return this.loops ? this.time % duration : Math.min(this.time, duration);
  }

  /** When the frame on the screen begins, seconds of the show. */
  get frameTime(): number {
    return this.frame ? timeOf(this.times, this.frame.index) : 0;
  }

  get duration(): number {
    return this.times.duration;
  }

  /** The frame that is due has not come for a while. */
  get stalled(): boolean {
    return this.lateS > STALL_S;
  }

  /** Whether the distance to the live edge is held. */
  get following(): boolean {
    return this.hold?.following ?? false;
  }

  /** Some show may grow; then there are more chunks. */
  grow(times: ChunkTimes): void {
    this.times = times;
  }

  /** Time goes on by `seconds`. `edge`: of a live show now, seconds; null once it is finished. */
  advance(seconds: number, edge: number | null): ReadyFrame | null {
    if (edge === null) this.hold = null;
    const heard = this.playing ? this.sound.time : null;
    const wanted = this.playing ? (heard ?? this.wanted(seconds, edge)) : this.time;
    if (this.hold && Math.abs(wanted - this.time) > JUMP_S) {
      this.time = wanted;
      this.jump();
    }
    const found = this.queue.take(this.positionAt(wanted));
    if (found) this.frame = found;
    if (this.frame?.generation === this.generation && this.frame.position === this.positionAt(wanted)) {
      this.inTime(seconds, wanted);
    } else {
      this.late(seconds, wanted, heard !== null, found);
    }
    return found;
  }

  play(): void {
    if (!this.loops && !this.hold && this.time >= this.times.duration) this.seek(0);
    this.playing = true;
  }

  pause(): void {
    this.playing = false;
    if (this.hold) this.hold = { ...this.hold, following: false };
    this.sound.stop();
  }

  /** Go to a time of the show, seconds. A live show is no longer followed then. */
  seek(seconds: number): void {
    if (this.hold) this.hold = { ...this.hold, following: false };
    // The end of a lap is the next one's start.
    const { duration, frameCount } = this.times;
    this.time = Math.min(Math.max(seconds, 0), this.loops ? timeOf(this.times, frameCount - 1) : duration);
    this.jump();
  }

  /** Go to the live edge and hold the distance to it. */
  follow(): void {
    if (this.hold) this.hold = { ...this.hold, following: true };
    this.playing = true;
  }

  setLoop(loop: boolean): void {
    const laps = this.time > this.times.duration;
    // At the end of a show the last frame is on the screen: the next lap begins behind it.
    this.time = loop && this.time === this.times.duration ? this.frameTime : this.showTime;
    this.looping = loop;
    if (laps) this.jump();
  }

  /** Ask for the frames from here on once more: those that were there are gone. */
  jump(): void {
    this.generation += 1;
    this.lateS = 0;
    this.time = this.showTime;
    this.queue.begin(this.generation);
    this.sound.clear();
    const index = frameAt(this.times, this.time);
    this.seekWorker(this.generation, index, index);
  }

  /** Whether what comes belongs here. */
  isCurrent(generation: number): boolean {
    return generation === this.generation;
  }

  private get loops(): boolean {
    return this.looping && !this.hold;
  }

  private wanted(seconds: number, edge: number | null): number {
    const { duration } = this.times;
    if (this.hold && edge !== null) return held(this.hold, this.time, { seconds, edge, duration });
    return this.loops ? this.time + seconds : Math.min(this.time + seconds, duration);
  }

  private positionAt(time: number): number {
    const { duration, frameCount } = this.times;
    const lap = this.loops ? Math.floor(time / duration) : 0;
    if (frameCount === 1) return 0; // a still comes once, however long it is looked at
    return lap * frameCount + frameAt(this.times, time - lap * duration);
  }

  /** When a frame begins, on the scale of `time`. */
  private timeAt(position: number): number {
    const { duration, frameCount } = this.times;
    const lap = this.loops ? Math.floor(position / frameCount) : 0;
    return lap * duration + timeOf(this.times, position - lap * frameCount);
  }

  private inTime(seconds: number, wanted: number): void {
    this.time = wanted;
    // At the end of what there is of a live show, nothing goes on either, although its last frame is here.
    const atEdge = this.hold !== null && this.playing && wanted >= this.times.duration - AT_EDGE_S;
    this.lateS = atEdge ? this.lateS + seconds : 0;
    if (this.hold && !atEdge) this.hold = calm(this.hold, seconds);
    if (!this.playing) return;
    if (!this.hold && !this.loops && wanted >= this.times.duration) {
      this.playing = false;
      this.sound.stop();
    } else if (!this.sound.running && this.sound.has(wanted)) {
      this.sound.start(wanted);
    }
  }

  private late(seconds: number, wanted: number, heard: boolean, found: ReadyFrame | null): void {
    if (this.hold && this.frame && this.lateS === 0) this.hold = stalled(this.hold);
    this.lateS = found ? 0 : this.lateS + seconds;
    if (!this.playing || this.frame?.generation !== this.generation) return;
    const shown = this.timeAt(this.frame.position);
    if (heard && wanted - shown <= MOST_LAG_S) {
      this.time = wanted; // the picture lags a little behind what is heard
    } else if (heard || found) {
      // As far as frames have come.
      this.sound.stop();
      this.time = shown;
    }
  }
}
