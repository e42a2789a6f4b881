/** The player: a show, a screen and sound, and what may be asked of them. */

import type { Eye } from "../draw/eye.ts";
import { SoundOutput } from "../sound/output.ts";
import type { ShowFacts } from "../worker/messages.ts";
import { headsetThere } from "../xr/headset.ts";
import { OpenedShow } from "./opened_show.ts";
import type { CreatePlayer, Failure, PlayerOptions, PlayerPort, PlayerState, ShownFrame, Stats } from "./port.ts";
import { Screen } from "./screen.ts";
import { type Own, stateOf, statsOf } from "./state.ts";
import { unknownScale } from "./view.ts";

const STEP_S = 2;
/** What may pass by itself is tried again after this, twice this, and so on. */
const FIRST_AGAIN_MS = 1000;
const MOST_TRIES = 6;

const VR_REFUSALS = {
  unavailable: "there is no headset that this browser could use; connect one and load the page again",
  entering: "the headset is being entered already",
  presenting: "the headset shows the picture already",
} as const;

/** Makes a player. Never throws: what is wrong is told by its state. */
export const createPlayer: CreatePlayer = (options) => new Player(options);

class Player implements PlayerPort {
  private readonly sound = new SoundOutput();
  private readonly listeners = new Set<() => void>();
  private readonly frameListeners = new Set<(frame: ShownFrame) => void>();
  private readonly own: Own;
  /** The name of the rung that was fixed. */
  private rung: string | null;
  private screen: Screen | null = null;
  private show: OpenedShow | null = null;
  private tries = 0;
  private again: ReturnType<typeof setTimeout> | undefined;
  private cached: PlayerState | null = null;
  private told: PlayerState | null = null;

  constructor(private readonly options: PlayerOptions) {
    const { autoplay: playing, loop, muted } = options;
    this.own = { failure: null, playing, loop, muted, volume: 1, vr: "unavailable" };
    this.rung = options.rung;
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
    options.canvas.addEventListener("webglcontextrestored", this.contextRestored);
    this.setMuted(muted);
    this.open(null);
    this.screen.start((now, frame) => this.turn(now, frame));
    void headsetThere().then((there) => this.set({ vr: there ? "available" : "unavailable" }));
  }

  get state(): PlayerState {
    this.cached ??= stateOf(this.own, this.show, this.rung);
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
    this.show?.play();
    if (!this.own.muted) void this.sound.unlock();
  }

  pause(): void {
    this.set({ playing: false });
    this.show?.pause();
  }

  seek(seconds: number): void {
    if (!Number.isFinite(seconds)) throw new TypeError("seek wants seconds, a finite number");
    this.show?.seek(seconds);
    this.changed();
  }

  follow(): void {
    this.set({ playing: true });
    this.show?.playback?.follow();
  }

  fixRung(rung: number | string | null): void {
    this.rung = typeof rung === "number" ? (this.state.rungs[rung]?.name ?? null) : rung;
    this.show?.fixRung(this.rung);
    this.changed();
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
    const { screen } = this;
    if (!screen) throw new Error(this.own.failure?.message ?? "the player is closed");
    if (this.own.vr !== "available") throw new Error(VR_REFUSALS[this.own.vr]);
    this.set({ vr: "entering" });
    try {
      await screen.headset.enter();
    } catch (error) {
      this.set({ vr: "available" });
      throw error;
    }
    screen.changed();
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
    if (this.screen?.lost) return this.options.renew(time);
    this.own.failure = null;
    this.open(time);
  }

  close(): void {
    clearTimeout(this.again);
    this.options.canvas.removeEventListener("webglcontextlost", this.contextLost);
    this.options.canvas.removeEventListener("webglcontextrestored", this.contextRestored);
    this.show?.close();
    this.sound.close();
    this.screen?.release();
    this.show = this.screen = null;
    this.listeners.clear();
    this.frameListeners.clear();
  }

  private open(time: number | null): void {
    this.show?.close();
    const { screen, own, options, rung } = this;
    if (!screen) return;
    // The worker is a blob and knows no address of its own.
    if (!URL.canParse(options.src, document.baseURI)) {
      this.fail({ message: `'${options.src}' is no address of a show; mend src`, retry: false, passing: false });
      return;
    }
    const src = new URL(options.src, document.baseURI).href;
    const headset = own.vr === "presenting" || isHandheld();
    const { loop, playing } = own;
    const { mostTexels } = screen;
    const opening = { src, token: options.token, mostTexels, rung, loop, playing, headset, time };
    this.show = new OpenedShow(opening, this.sound, {
      opened: (facts) => this.opened(facts),
      failed: (failure) => this.fail(failure),
    });
    this.changed();
  }

  private opened(facts: ShowFacts): void {
    const box = { low: facts.comfortMin, high: facts.comfortMax };
    const view = this.screen?.view;
    if (view) {
      [view.box, view.background] = [box, facts.background];
      view.unitsPerMetre = facts.units === "metres" ? 1 : unknownScale(box);
    }
    this.options.onManifest?.(box);
    this.changed();
  }

  private fail({ message, retry, passing }: Failure): void {
    this.show?.close();
    this.set({ failure: { message, retry, passing } });
    if (!passing || this.tries >= MOST_TRIES) return;
    this.again = setTimeout(() => this.retry(), FIRST_AGAIN_MS * 2 ** this.tries++);
  }

  private readonly contextLost = (event: Event): void => {
    event.preventDefault(); // so that it may be restored
    const message = "the graphics driver was reset; close what else draws much, and try again";
    this.fail({ message, retry: true, passing: false });
  };

  private readonly contextRestored = (): void => {
    this.screen?.restore();
    this.retry();
  };

  /** One picture: time goes on and what is due is uploaded, both before anything is drawn. */
  private turn(now: number, frame: XRFrame | undefined): void {
    const { screen, show } = this;
    if (!screen) return;
    const step = screen.advance(now, show);
    const playback = show?.playback;
    this.sound.pump(playback?.position ?? 0);
    screen.draw(step, frame, this.state);
    if (step.fresh) this.tellFrame();
    const ended = playback && playback.playing !== this.state.playing;
    if (playback?.playing || playback?.stalled || step.fresh || ended) this.changed();
    this.notify();
  }

  private tellFrame(): void {
    this.tries = 0;
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
