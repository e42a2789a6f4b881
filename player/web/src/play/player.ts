/** The player: stage by stage, one turn for every picture of the display. */

import type { Drawn } from "../draw/layers.ts";
import type { Eye } from "../draw/eye.ts";
import { pngOf } from "../draw/snapshot.ts";
import { Stage } from "../draw/stage.ts";
import { SoundOutput } from "../sound/output.ts";
import type { ShowFacts } from "../worker/messages.ts";
import { Headset, headsetThere } from "../xr/headset.ts";
import { HeadsetPanel } from "../xr/headset_panel.ts";
import { OpenedShow } from "./opened_show.ts";
import { Pace } from "./pace.ts";
import type { CreatePlayer, Failure, PlayerOptions, PlayerPort, PlayerState, ShownFrame, Stats } from "./port.ts";
import { stateOf } from "./state.ts";
import { View } from "./view.ts";

/** Time goes on by no more than this from one picture to the next: after a pause the show goes on where it was. */
const LONGEST_TURN_S = 0.25;
/** Pictures that are farther apart are not one after the other: the page was hidden. */
const PAUSE_S = 2;
/** What may pass by itself is tried again after this, twice this, and so on. */
const FIRST_AGAIN_MS = 1000;
const MOST_TRIES = 6;
const STEP_S = 2;
const OVERDRAW_EVERY_S = 1;

/** Makes a player. Never throws: what is wrong is told by its state. */
export const createPlayer: CreatePlayer = (options) => new Player(options);

class Player implements PlayerPort {
  private readonly sound = new SoundOutput();
  private readonly pace = new Pace();
  private readonly listeners = new Set<() => void>();
  private readonly frameListeners = new Set<(frame: ShownFrame) => void>();
  private readonly snapshots: ((pixels: Promise<Blob>) => void)[] = [];
  private stage: Stage | null = null;
  private headset: Headset | null = null;
  private panel: HeadsetPanel | null = null;
  private view: View | null = null;
  private show: OpenedShow | null = null;
  /** What may pass is tried again: how often it was, and the next time. */
  private tries = 0;
  private again: ReturnType<typeof setTimeout> | undefined;
  private last: number | null = null;
  private drawn: Drawn = { draws: 0, triangles: 0 };
  private newestEyes: readonly Eye[] = [];
  private looked = "";
  private overdraw: { value: number | null; at: number } | null = null;
  private cached: PlayerState | null = null;
  private told: PlayerState | null = null;
  private readonly own: {
    failure: Failure | null;
    playing: boolean;
    loop: boolean;
    fixedRung: number | null;
    muted: boolean;
    volume: number;
    vr: PlayerState["vr"];
  };

  constructor(private readonly options: PlayerOptions) {
    const { autoplay: playing, loop, muted } = options;
    this.own = { failure: null, playing, loop, fixedRung: null, muted, volume: 1, vr: "unavailable" };
    try {
      this.stage = new Stage(options.canvas);
    } catch (error) {
      this.fail({ message: (error as Error).message, retry: false, passing: false });
      return;
    }
    this.headset = new Headset(this.stage, {
      toggle: () => this.fromHeadset(() => (this.playing ? this.pause() : this.play())),
      step: (direction) => this.fromHeadset(() => this.seek(this.state.time + STEP_S * direction)),
      ended: () => this.leftVr(),
    });
    this.panel = new HeadsetPanel(this.stage.scene);
    this.view = new View(this.stage, this.headset, options);
    options.canvas.addEventListener("webglcontextlost", this.contextLost);
    this.setMuted(muted);
    this.open(null);
    this.stage.start((seconds, frame) => this.turn(seconds, frame));
    void headsetThere().then((there) => this.set({ vr: there ? "available" : "unavailable" }));
  }

  get state(): PlayerState {
    this.cached ??= stateOf(this.own, this.show);
    return this.cached;
  }

  stats(): Stats {
    const { figures, queue, playback, displayed, facts } = this.show ?? {};
    const frame = playback?.frame ?? null;
    return {
      frame: frame?.index ?? null,
      rung: frame && facts ? facts.rungs[frame.rung].name : "",
      throughput: figures?.throughput ?? null,
      aheadS: figures?.aheadS ?? 0,
      waiting: queue?.waiting ?? 0,
      decoded: figures?.decoded ?? 0,
      displayed: displayed ?? 0,
      dropped: queue?.dropped ?? 0,
      stalePoses: this.pace.missed,
      picturesPerSecond: this.pace.perSecond,
      draws: this.drawn.draws,
      triangles: this.drawn.triangles,
      overdraw: this.overdraw?.value ?? null,
      reconnects: figures?.reconnects ?? 0,
      switches: figures?.switches ?? 0,
      mostHeld: figures?.mostHeld ?? 0,
      textureBytes: this.stage?.textureBytes ?? 0,
    };
  }

  eyes(): readonly Eye[] {
    return this.newestEyes;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  subscribeFrames(listener: (frame: ShownFrame) => void): () => void {
    this.frameListeners.add(listener);
    return () => this.frameListeners.delete(listener);
  }

  play(): void {
    this.set({ playing: true });
    this.show?.playback?.play();
    if (!this.own.muted) void this.sound.unlock();
  }

  pause(): void {
    this.set({ playing: false });
    this.show?.playback?.pause();
  }

  seek(seconds: number): void {
    this.show?.playback?.seek(seconds);
    this.changed();
  }

  follow(): void {
    this.set({ playing: true });
    this.show?.playback?.follow();
  }

  fixRung(rung: number | null): void {
    this.set({ fixedRung: rung });
    this.show?.fixRung(rung);
  }

  setMuted(muted: boolean): void {
    this.set({ muted });
    this.sound.setLevel(muted ? 0 : this.own.volume);
    if (!muted) void this.sound.unlock();
  }

  setVolume(volume: number): void {
    this.set({ volume: Math.min(Math.max(volume, 0), 1) });
    if (!this.own.muted) this.sound.setLevel(this.own.volume);
  }

  setLoop(loop: boolean): void {
    this.set({ loop });
    this.show?.setLoop(loop);
  }

  measureOverdraw(on: boolean): void {
    this.overdraw = on ? { value: null, at: 0 } : null;
  }

  async enterVr(): Promise<void> {
    if (!this.headset) throw new Error("this browser shows no 3D pictures (WebGL 2)");
    this.set({ vr: "entering" });
    try {
      await this.headset.enter();
    } catch (error) {
      this.set({ vr: "available" });
      throw error;
    }
    this.pace.restart();
    this.show?.setHeadset(true);
    this.set({ vr: "presenting" });
  }

  leaveVr(): void {
    this.headset?.leave();
  }

  recentre(): void {
    this.headset?.recentre();
  }

  snapshot(): Promise<Blob> {
    return new Promise((resolve, reject) => {
      if (this.own.failure) reject(new Error(this.own.failure.message));
      else this.snapshots.push(resolve);
    });
  }

  retry(): void {
    const time = this.show?.playback?.showTime ?? null;
    clearTimeout(this.again);
    this.own.failure = null;
    this.open(time);
  }

  close(): void {
    clearTimeout(this.again);
    this.options.canvas.removeEventListener("webglcontextlost", this.contextLost);
    this.headset?.leave();
    this.show?.close();
    this.sound.close();
    this.panel?.release();
    this.stage?.release();
    this.show = this.stage = null;
    this.listeners.clear();
    this.frameListeners.clear();
  }

  private get playing(): boolean {
    return this.state.playing;
  }

  private open(time: number | null): void {
    this.show?.close();
    const { stage, own, options } = this;
    if (!stage) return;
    const opening = {
      options,
      time,
      loop: own.loop,
      playing: own.playing,
      headset: own.vr === "presenting" || isHandheld(),
      mostTexels: stage.gl.getParameter(stage.gl.MAX_TEXTURE_SIZE) as number,
    };
    this.show = new OpenedShow(opening, this.sound, {
      opened: (facts) => this.opened(facts),
      failed: (failure) => this.fail(failure),
    });
    this.changed();
  }

  private opened(facts: ShowFacts): void {
    const box = { low: facts.comfortMin, high: facts.comfortMax };
    if (this.view) [this.view.box, this.view.background] = [box, facts.background];
    const named = facts.rungs.findIndex(({ name }) => name === this.options.rung);
    this.own.fixedRung ??= named < 0 ? null : named;
    this.tries = 0;
    this.options.onManifest?.(box, facts.projection);
    this.changed();
  }

  private fail({ message, retry, passing }: Failure): void {
    this.show?.close();
    this.set({ failure: { message, retry, passing } });
    if (!passing || this.tries >= MOST_TRIES) return;
    this.again = setTimeout(() => this.retry(), FIRST_AGAIN_MS * 2 ** this.tries++);
  }

  private readonly contextLost = (event: Event): void => {
    event.preventDefault();
    this.fail({ message: "the graphics driver was reset; load the page again", retry: false, passing: false });
  };

  /** One picture: time goes on, what is due is uploaded, both before anything is drawn. Waits for nothing. */
  private turn(now: number, frame: XRFrame | undefined): void {
    const { stage, view, show } = this;
    if (!stage || !view) return;
    const seconds = now - (this.last ?? now);
    this.last = now;
    if (seconds > PAUSE_S) this.pace.restart();
    else if (seconds > 0) this.pace.add(seconds);
    const step = Math.min(Math.max(seconds, 0), LONGEST_TURN_S);
    stage.fit();
    const fresh = show?.advance(step, stage.layers) ?? false;
    this.sound.pump();
    if (frame) this.headset?.poll();
    const eyes = view.eyes(step, frame);
    if (eyes.length && (frame || fresh || this.snapshots.length || this.moved(eyes))) this.draw(eyes, frame, step);
    if (fresh) this.tellFrame();
    if (show?.playback?.playing || show?.playback?.stalled || fresh) this.changed();
    this.notify();
  }

  private draw(eyes: readonly Eye[], frame: XRFrame | undefined, step: number): void {
    const stage = this.stage!;
    if (frame) this.panel?.update(step, frame, stage.renderer.xr.getReferenceSpace(), this.state);
    this.measure(eyes[0]);
    this.drawn = stage.draw(eyes, this.view!.finish(eyes));
    this.newestEyes = eyes;
    if (!this.snapshots.length || !stage.layers.ready) return;
    const { width, height } = stage.canvas;
    const blob = pngOf(stage.read(width, height), width, height);
    for (const resolve of this.snapshots.splice(0)) resolve(blob);
  }

  private tellFrame(): void {
    const shown = this.show?.shownFrame();
    if (shown) for (const listener of this.frameListeners) listener(shown);
  }

  /** Whether a flat screen's view is another one than that of the newest picture. */
  private moved(eyes: readonly Eye[]): boolean {
    const { view, viewport, projection } = eyes[0];
    const looked = `${Array.from(view)} ${Array.from(projection)} ${viewport.width} ${viewport.height}`;
    const moved = looked !== this.looked;
    this.looked = looked;
    return moved;
  }

  private measure(eye: Eye): void {
    const due = this.overdraw && (this.last ?? 0) - this.overdraw.at > OVERDRAW_EVERY_S;
    if (due) this.overdraw = { value: this.stage!.measureOverdraw(eye), at: this.last ?? 0 };
  }

  private fromHeadset(command: () => void): void {
    command();
    this.panel?.call();
  }

  private leftVr(): void {
    this.panel?.hide();
    this.pace.restart();
    this.looked = "";
    this.show?.setHeadset(isHandheld());
    this.set({ vr: "available" });
  }

  private set(change: Partial<Player["own"]>): void {
    Object.assign(this.own, change);
    this.changed();
  }

  private changed(): void {
    this.cached = null;
    // Where no pictures are made, there is still something to tell.
    if (this.own.failure) queueMicrotask(() => this.notify());
  }

  private notify(): void {
    const { state } = this;
    if (state === this.told) return;
    this.told = state;
    for (const listener of this.listeners) listener();
  }
}

/** Whether this is a phone, a tablet or a headset by itself: what it draws in time is as much as a headset does. */
function isHandheld(): boolean {
  return matchMedia("(pointer: coarse)").matches && !matchMedia("(any-pointer: fine)").matches;
}
