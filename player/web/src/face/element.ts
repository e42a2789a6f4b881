/** `<lfv-player>`: a light field show on a page. */

import type { Eye } from "../draw/eye.ts";
import type { FlyHead } from "../head/fly.ts";
import { HeadControl, type FlatView } from "../head/view.ts";
import type { CreatePlayer, PlayerPort, PlayerState, Stats } from "../play/port.ts";
import { fovOf, switchOf } from "./attributes.ts";
import { make } from "./dom.ts";
import { reporter } from "./events.ts";
import { buildFace } from "./face.ts";
import { styleSheet } from "./style.ts";

/** What lives from a `src` to the next one. */
interface Session {
  readonly port: PlayerPort;
  readonly head: HeadControl;
  readonly draw: () => void;
  readonly ending: AbortController;
}

/**
 * A player for a page: `<lfv-player src="https://..."></lfv-player>`.
 *
 * Attributes: `src` and `token` say what is played; `rung` fixes a rate by its name; `fov` is the field of view of the
 * longer side in degrees (90). Switches are on where they are there and not "false": `autoplay` (on by default), `muted`
 * (on by default where it plays by itself, as browsers demand it), `loop` (on), `controls` (on). `keys="page"` takes the
 * keys of the whole page, for pages that are nothing but a player; else the player must have the focus.
 *
 * Events: `ready` when the show is open, `statechange` (detail: the standing), `timeupdate` (detail: time, duration; a
 * few times a second), `framechange` (detail: index, time, rung; for each frame, right after it was drawn), `error`
 * (detail: message, retry).
 *
 * Times are seconds, angles radians, places metres with +x right, +y up, -z forward.
 */
export class LfvPlayerElement extends HTMLElement {
  static readonly observedAttributes = ["src", "token", "rung", "fov", "muted", "loop", "controls"];
  /** What makes the player behind the face. */
  static createPlayer: CreatePlayer;

  private readonly root = this.attachShadow({ mode: "open", delegatesFocus: true });
  private session: Session | null = null;
  private firstHead: FlyHead | null = null;

  play(): void {
    this.session?.port.play();
  }

  pause(): void {
    this.session?.port.pause();
  }

  seek(seconds: number): void {
    this.session?.port.seek(seconds);
  }

  get currentTime(): number {
    return this.session?.port.state.time ?? 0;
  }

  get duration(): number {
    return this.session?.port.state.duration ?? 0;
  }

  get paused(): boolean {
    return !(this.session?.port.state.playing ?? false);
  }

  /** Where the head is: position in metres, yaw to the right and pitch up in radians. Setting it is exact, at once. */
  get head(): FlyHead {
    return this.session?.head.get() ?? this.firstHead ?? { position: [0, 0, 0], yaw: 0, pitch: 0 };
  }

  set head(head: FlyHead) {
    if (this.session === null) this.firstHead = head;
    else this.session.head.set(head);
  }

  /** All that the player knows of itself, null without a `src`. */
  get state(): Readonly<PlayerState> | null {
    return this.session?.port.state ?? null;
  }

  /** Figures of how well it runs, null without a `src`. */
  stats(): Stats | null {
    return this.session?.port.stats() ?? null;
  }

  /** The picture on the screen. */
  async snapshot(): Promise<Blob> {
    return this.running().port.snapshot();
  }

  /** For what the newest picture was drawn: one eye, in the headset two. */
  eyes(): readonly Eye[] {
    return this.running().port.eyes();
  }

  /** Must be called in a person's gesture; rejects with an Error in words. */
  async enterVr(): Promise<void> {
    return this.running().port.enterVr();
  }

  leaveVr(): void {
    this.session?.port.leaveVr();
  }

  connectedCallback(): void {
    this.root.adoptedStyleSheets = [styleSheet(this.ownerDocument)];
    if (this.session === null) this.start();
  }

  disconnectedCallback(): void {
    // Moved within the page it comes back at once, and plays on.
    queueMicrotask(() => {
      if (!this.isConnected) this.end();
    });
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (!this.isConnected || before === after) return;
    const port = this.session?.port;
    if (name === "src" || name === "token") this.start();
    else if (name === "muted") port?.setMuted(this.muted);
    else if (name === "loop") port?.setLoop(switchOf(this, "loop", true));
    else if (name === "rung") port?.fixRung(after);
    else this.session?.draw();
  }

  private get muted(): boolean {
    return switchOf(this, "muted", this.autoplay);
  }

  private get autoplay(): boolean {
    return switchOf(this, "autoplay", true);
  }

  private running(): Session {
    if (this.session === null) throw new Error("Nothing is played; set the attribute src first");
    return this.session;
  }

  /** Draws the frame and the controls at once; the show comes when it comes. */
  private start(): void {
    this.end();
    const src = this.getAttribute("src") ?? "";
    const canvas = make("canvas");
    const surface = make("div", { class: "surface", tabindex: "0", role: "application" }, canvas);
    const frame = make("div", { class: "frame" }, surface);
    this.root.append(frame);
    if (src === "") return;
    const ending = new AbortController();
    const fov = fovOf(this);
    const head = new HeadControl(surface, { fov: () => fovOf(this), wheelTaken: () => this.wheelTaken() });
    if (this.firstHead !== null) head.set(this.firstHead);
    this.firstHead = null;
    const port = LfvPlayerElement.createPlayer({
      canvas,
      src,
      token: this.getAttribute("token") ?? "",
      rung: this.getAttribute("rung"),
      fov,
      muted: this.muted,
      loop: switchOf(this, "loop", true),
      autoplay: this.autoplay,
      view: (seconds) => this.scaled(head.step(seconds), fov),
      renew: (time) => {
        this.start();
        if (time !== null) this.seek(time);
      },
      onManifest: (box) => head.setBox(box),
    });
    const { signal } = ending;
    const isOurKey = (event: Event) => this.ownsPage() || event.composedPath().includes(this);
    const controls = () => switchOf(this, "controls", true);
    const draw = buildFace({ host: this, frame, surface, port, head, isOurKey, controls, signal });
    this.session = { port, head, draw, ending };
    const report = reporter((event) => this.dispatchEvent(event));
    const ends = [
      port.subscribe(() => report(port.state, performance.now())),
      port.subscribeFrames((detail) => this.dispatchEvent(new CustomEvent("framechange", { detail }))),
    ];
    signal.addEventListener("abort", () => ends.forEach((end) => end()));
  }

  private end(): void {
    this.session?.ending.abort();
    this.session?.head.dispose();
    this.session?.port.close();
    this.session = null;
    this.root.replaceChildren();
  }

  private ownsPage(): boolean {
    return this.getAttribute("keys") === "page";
  }

  // On a page that scrolls the wheel is the player's once it was clicked.
  private wheelTaken(): boolean {
    return this.ownsPage() || this.root.activeElement !== null;
  }

  // The player was made for one field of view; the attribute may have changed since.
  private scaled(view: FlatView, madeFor: number): FlatView {
    const scale = Math.tan(fovOf(this) / 2) / Math.tan(madeFor / 2);
    return scale === 1 ? view : { ...view, fovScale: view.fovScale * scale };
  }
}
