/** The player: a show, a screen and sound, and what may be asked of them. */

import type { Eye } from "../draw/eye.ts";
import { SoundOutput } from "../sound/output.ts";
import type { ShowFacts } from "../worker/messages.ts";
import { headsetThere } from "../xr/headset.ts";
import { OpenedShow } from "./opened_show.ts";
import type { CreatePlayer, Failure, PlayerOptions, PlayerPort, PlayerState, ShownFrame, Stats } from "./port.ts";
import { Screen } from "./screen.ts";
import { type Own, stateOf, statsOf } from "./state.ts";

const STEP_S = 2;
/** What may pass by itself is tried again after this, twice this, and so on. */
const FIRST_AGAIN_MS = 1000;
const MOST_TRIES = 6;

/** Makes a player. Never throws: what is wrong is told by its state. */
export const createPlayer: CreatePlayer = (options) => new Player(options);

class Player implements PlayerPort {
  private readonly sound = new SoundOutput();
  private readonly listeners = new Set<() => void>();
  private readonly frameListeners = new Set<(frame: ShownFrame) => void>();
  private readonly own: Own;
  private screen: Screen | null = null;
  private show: OpenedShow | null = null;
  private tries = 0;
  private again: ReturnType<typeof setTimeout> | undefined;
  private cached: PlayerState | null = null;
  private told: PlayerState | null = null;

  constructor(private readonly options: PlayerOptions) {
    const { autoplay: playing, loop, muted } = options;
    this.own = { failure: null, playing, loop, fixedRung: null, muted, volume: 1, vr: "unavailable" };
    try {
      this.screen = new Screen(options, {
        toggle: () => this.fromHeadset(() => (this.state.playing ? this.pause() : this.play())),
        step: (direction) => this.fromHeadset(() => this.seek(this.state.time + STEP_S * direction)),
        ended: () => this.leftVr(),
      });
    } catch (error) {
      this.fail({ message: (error as Error).message, retry: false, passing: false });
      return;
    }
    options.canvas.addEventListener("webglcontextlost", this.contextLost);
    this.setMuted(muted);
    this.open(null);
    this.screen.start((now, frame) => this.turn(now, frame));
    void headsetThere().then((there) => this.set({ vr: there ? "available" : "unavailable" }));
  }

  get state(): PlayerState {
    this.cached ??= stateOf(this.own, this.show);
    return this.cached;
  }

  stats(): Stats {
    return statsOf(this.show, this.screen);
  }

  eyes(): readonly Eye[] {
    return this.screen?.eyes ?? [];
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
    this.screen?.measureOverdraw(on);
  }

  async enterVr(): Promise<void> {
    if (!this.screen) throw new Error(this.own.failure?.message ?? "the player is closed");
    this.set({ vr: "entering" });
    try {
      await this.screen.headset.enter();
    } catch (error) {
      this.set({ vr: "available" });
      throw error;
    }
    this.screen.changed();
    this.show?.setHeadset(true);
    this.set({ vr: "presenting" });
  }

  leaveVr(): void {
    this.screen?.headset.leave();
  }

  recentre(): void {
    this.screen?.headset.recentre();
  }

  async snapshot(): Promise<Blob> {
    if (this.own.failure || !this.screen) throw new Error(this.own.failure?.message ?? "the player is closed");
    return this.screen.snapshot();
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
    this.show?.close();
    this.sound.close();
    this.screen?.release();
    this.show = this.screen = null;
    this.listeners.clear();
    this.frameListeners.clear();
  }

  private open(time: number | null): void {
    this.show?.close();
    const { screen, own, options } = this;
    if (!screen) return;
    const headset = own.vr === "presenting" || isHandheld();
    const { loop, playing } = own;
    const opening = { options, time, loop, playing, headset, mostTexels: screen.mostTexels };
    this.show = new OpenedShow(opening, this.sound, {
      opened: (facts) => this.opened(facts),
      failed: (failure) => this.fail(failure),
    });
    this.changed();
  }

  private opened(facts: ShowFacts): void {
    const box = { low: facts.comfortMin, high: facts.comfortMax };
    if (this.screen) [this.screen.view.box, this.screen.view.background] = [box, facts.background];
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

  /** One picture: time goes on and what is due is uploaded, both before anything is drawn. */
  private turn(now: number, frame: XRFrame | undefined): void {
    const { screen, show } = this;
    if (!screen) return;
    const step = screen.advance(now, show);
    this.sound.pump();
    screen.draw(step, frame, this.state);
    if (step.fresh) this.tellFrame();
    if (show?.playback?.playing || show?.playback?.stalled || step.fresh) this.changed();
    this.notify();
  }

  private tellFrame(): void {
    const shown = this.show?.shownFrame();
    if (shown) for (const listener of this.frameListeners) listener(shown);
  }

  private fromHeadset(command: () => void): void {
    command();
    this.screen?.callPanel();
  }

  private leftVr(): void {
    this.screen?.changed();
    this.show?.setHeadset(isHandheld());
    this.set({ vr: "available" });
  }

  private set(change: Partial<Own>): void {
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
