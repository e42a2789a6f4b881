/**
 * What the face of the player shows, and what it may ask for: the one interface between `face/` and everything else.
 *
 * Times are seconds on the show's clock. All of it lives on the page's main thread.
 */

import type { Eye } from "../draw/eye.ts";
import type { ComfortBox } from "../head/comfort.ts";
import type { FlatView } from "../head/view.ts";

/** One rate of the show's ladder. `trouble` says in words why this device cannot use it; empty where it can. */
export interface RungChoice {
  name: string;
  width: number;
  height: number;
  bitsPerSecond: number;
  trouble: string;
}

/** A small picture of the show at a time; `image` is a JPEG or PNG. */
export interface Thumbnail {
  time: number;
  image: Blob;
}

/** A failure in words. `retry`: trying again may help. `passing`: it may pass by itself, and is tried again. */
export interface Failure {
  message: string;
  retry: boolean;
  passing: boolean;
}

/** Figures for the stats overlay. */
export interface Stats {
  /** Of the frame on the screen. */
  frame: number | null;
  rung: string;
  /** Bits per second, null before anything was measured. */
  throughput: number | null;
  /** Seconds of the show that are here from the play position on. */
  aheadS: number;
  /** Decoded frames that wait to be shown. */
  waiting: number;
  decoded: number;
  displayed: number;
  /** Decoded but never shown. */
  dropped: number;
  /** Refreshes of the display for which no picture with a new head pose was made. */
  stalePoses: number;
  /** Pictures a second, of the head's motion. */
  picturesPerSecond: number;
  /** Draw calls and triangles of the newest picture (of one eye). */
  draws: number;
  triangles: number;
  /** Blended layers per pixel of the screen, null while it is not measured. */
  overdraw: number | null;
  reconnects: number;
  switches: number;
  /** Frames of the decoder that were not closed yet: the most at any moment. */
  mostHeld: number;
  /** Of the graphics memory, in textures of the player's own. */
  textureBytes: number;
}

/** A frame that is on the screen now: its number in the show, its time in seconds, and its rung. */
export interface ShownFrame {
  readonly index: number;
  readonly time: number;
  readonly rung: number;
}

export type Phase = "opening" | "ready" | "failed";

export interface PlayerState {
  phase: Phase;
  failure: Failure | null;
  title: string;
  /** The show's poster, as soon as the manifest is there. */
  poster: Blob | null;
  thumbnails: readonly Thumbnail[];
  /** A picture of the show itself is on the screen; until then the poster is. */
  shown: boolean;
  time: number;
  duration: number;
  playing: boolean;
  /** It should play but the next frame has not come. */
  stalled: boolean;
  /** The link to the server is up. */
  connected: boolean;
  /** Why nothing comes from it, in words; empty while something does. */
  trouble: string;
  loop: boolean;
  /** Growing shows: whether it is one, seconds behind its edge, and whether that distance is held. */
  live: boolean;
  behindS: number;
  following: boolean;
  /** Ranges of seconds that are here. */
  buffered: readonly (readonly [number, number])[];
  rungs: readonly RungChoice[];
  /** The rung on the screen, and the one that was fixed by hand; null where it adapts. */
  rung: number | null;
  fixedRung: number | null;
  sound: boolean;
  muted: boolean;
  /** 0 to 1. */
  volume: number;
  vr: "unavailable" | "available" | "entering" | "presenting";
}

export interface PlayerPort {
  readonly state: PlayerState;
  /** Figures now; cheap enough for a few calls a second. */
  stats(): Stats;
  /** Told after the state has changed, at most once per animation frame. Returns what ends it. */
  subscribe(listener: () => void): () => void;
  /**
   * Told of every frame that is shown for the first time, as soon as it is drawn and in the same task, so that the
   * canvas can be read. Returns what ends it.
   */
  subscribeFrames(listener: (frame: ShownFrame) => void): () => void;
  play(): void;
  pause(): void;
  /** Throws TypeError for what is no finite number. */
  seek(seconds: number): void;
  /** Goes to the live edge and holds the distance to it. */
  follow(): void;
  /** Fixes a rung by its place or, also before the show is open, by its name; null adapts. */
  fixRung(rung: number | string | null): void;
  setMuted(muted: boolean): void;
  setVolume(volume: number): void;
  setLoop(loop: boolean): void;
  /** While true, overdraw is measured for the stats. */
  measureOverdraw(on: boolean): void;
  /** Must be called in a user's gesture. Rejects with an Error in words. */
  enterVr(): Promise<void>;
  leaveVr(): void;
  /** Puts the head back to where it began. */
  recentre(): void;
  /** The next picture on the screen, PNG; in the headset both eyes as they lie side by side. */
  snapshot(): Promise<Blob>;
  /** For what the newest picture was drawn: one eye, in the headset two. Matrices are 4x4, column by column. */
  eyes(): readonly Eye[];
  /** After a failure. */
  retry(): void;
  close(): void;
}

/** What a player is made of. Making one never throws: what is wrong is told by its state. */
export interface PlayerOptions {
  /** Drawn on by this player alone: another one gets another canvas. */
  canvas: HTMLCanvasElement;
  src: string;
  /** What the server asks for; may be empty. */
  token: string;
  /** The name of a rung to fix, null adapts. */
  rung: string | null;
  /** Horizontal field of view, radians. */
  fov: number;
  muted: boolean;
  loop: boolean;
  autoplay: boolean;
  /** Moves the head by these seconds and says how the show is looked at; asked once for every picture. */
  view: (seconds: number) => FlatView;
  /** This player's canvas is of no use any more: another player is to go on in its place, at a time of the show. */
  renew: (time: number | null) => void;
  /** Told when the manifest is there, before the first picture. */
  onManifest?: (box: ComfortBox) => void;
}

export type CreatePlayer = (options: PlayerOptions) => PlayerPort;
