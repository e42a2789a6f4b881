/** What the show is seen on: a canvas or a headset. One turn for every picture of the display. */

import type { Eye } from "../draw/eye.ts";
import type { Drawn } from "../draw/layers.ts";
import { pngOf } from "../draw/snapshot.ts";
import { Stage } from "../draw/stage.ts";
import { type Commands, Headset } from "../xr/headset.ts";
import { HeadsetPanel } from "../xr/headset_panel.ts";
import type { OpenedShow } from "./opened_show.ts";
import { Pace } from "./pace.ts";
import type { PlayerOptions, PlayerState } from "./port.ts";
import { View } from "./view.ts";

/** Time goes on by no more than this from one picture to the next: after a pause the show goes on where it was. */
const LONGEST_TURN_S = 0.25;
/** Pictures that are farther apart are not one after the other: the page was hidden. */
const PAUSE_S = 2;
const OVERDRAW_EVERY_S = 1;

export class Screen {
  readonly pace = new Pace();
  readonly headset: Headset;
  readonly view: View;
  /** What the newest picture took, and for which eyes it was drawn. */
  drawn: Drawn = { draws: 0, triangles: 0 };
  eyes: readonly Eye[] = [];
  overdraw: number | null = null;
  private readonly stage: Stage;
  private readonly panel: HeadsetPanel;
  private readonly snapshots: ((picture: Promise<Blob>) => void)[] = [];
  private last: number | null = null;
  private looked = "";
  private measures = false;
  private measuredAt = -Infinity;

  /** Throws an Error in words where the browser has no WebGL2. */
  constructor(options: PlayerOptions, commands: Commands) {
    this.stage = new Stage(options.canvas);
    this.headset = new Headset(this.stage, commands);
    this.panel = new HeadsetPanel(this.stage.scene);
    this.view = new View(this.stage, this.headset, options);
  }

  /** Bytes of the graphics memory in textures of our own. */
  get textureBytes(): number {
    return this.stage.textureBytes;
  }

  /** Largest side of a texture. */
  get mostTexels(): number {
    return this.stage.gl.getParameter(this.stage.gl.MAX_TEXTURE_SIZE) as number;
  }

  /** `turn` is called for every picture of the display, and calls `advance` and `draw`. */
  start(turn: (now: number, frame: XRFrame | undefined) => void): void {
    this.stage.start(turn);
  }

  /** Time goes on to `now`, seconds; a frame that is due goes to the GPU. Tells whether there was one, and the step. */
  advance(now: number, show: OpenedShow | null): { step: number; fresh: boolean } {
    const seconds = now - (this.last ?? now);
    this.last = now;
    if (seconds > PAUSE_S) this.pace.restart();
    else if (seconds > 0) this.pace.add(seconds);
    const step = Math.min(Math.max(seconds, 0), LONGEST_TURN_S);
    this.stage.fit();
    return { step, fresh: show?.advance(step, this.stage.layers) ?? false };
  }

  /** The picture, where it is another one than before. Waits for nothing. */
  draw({ step, fresh }: { step: number; fresh: boolean }, frame: XRFrame | undefined, state: PlayerState): void {
    const { stage, view } = this;
    const eyes = view.eyes(step, frame);
    if (frame) {
      this.headset.poll();
      this.panel.update(step, frame, stage.renderer.xr.getReferenceSpace(), state);
    }
    if (!eyes.length || !(frame || fresh || this.snapshots.length || this.moved(eyes[0]))) return;
    this.measure(eyes[0]);
    this.drawn = stage.draw(eyes, view.finish(eyes));
    this.eyes = eyes;
    if (this.snapshots.length && stage.layers.ready) this.deliverSnapshots();
  }

  /** Nothing can be drawn: the graphics driver was reset. */
  get lost(): boolean {
    return this.stage.gl.isContextLost();
  }

  /** It can be drawn again, but all that was there is gone. */
  restore(): void {
    this.stage.restore();
    this.looked = "";
  }

  /** The next picture, PNG. */
  snapshot(): Promise<Blob> {
    return new Promise((resolve) => this.snapshots.push(resolve));
  }

  /** While true, `overdraw` is kept up to date. */
  measureOverdraw(on: boolean): void {
    this.measures = on;
    if (!on) this.overdraw = null;
  }

  /** Who wears the headset did something: show where the show is. */
  callPanel(): void {
    this.panel.call();
  }

  /** The headset was put on or taken off. */
  changed(): void {
    this.panel.hide();
    this.pace.restart();
    this.looked = "";
  }

  release(): void {
    this.headset.leave();
    this.panel.release();
    this.stage.release();
  }

  private deliverSnapshots(): void {
    const { width, height } = this.stage.canvas;
    const picture = pngOf(this.stage.read(width, height), width, height);
    for (const resolve of this.snapshots.splice(0)) resolve(picture);
  }

  /** Whether a flat screen's view is another one than that of the newest picture. */
  private moved({ view, viewport, projection }: Eye): boolean {
    const looked = `${Array.from(view)} ${Array.from(projection)} ${viewport.width} ${viewport.height}`;
    const moved = looked !== this.looked;
    this.looked = looked;
    return moved;
  }

  private measure(eye: Eye): void {
    if (!this.measures || this.last! - this.measuredAt < OVERDRAW_EVERY_S) return;
    this.overdraw = this.stage.measureOverdraw(eye);
    this.measuredAt = this.last!;
  }
}
