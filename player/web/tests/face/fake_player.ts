/** A player without a show: its state is set by hand, what is asked of it is written down. */

import type { Eye } from "../../src/draw/eye.ts";
import type { PlayerOptions, PlayerPort, PlayerState, RungChoice, Stats } from "../../src/play/port.ts";

export const RUNGS: readonly RungChoice[] = [
  { name: "small", width: 1920, height: 1080, bitsPerSecond: 15e6, trouble: "" },
  { name: "medium", width: 2880, height: 1620, bitsPerSecond: 25e6, trouble: "" },
  { name: "large", width: 3840, height: 2304, bitsPerSecond: 40e6, trouble: "" },
  {
    name: "full",
    width: 7680,
    height: 4320,
    bitsPerSecond: 80e6,
    trouble: "This device cannot decode HEVC of this size",
  },
];

export function openingState(): PlayerState {
  return {
    phase: "opening",
    failure: null,
    title: "",
    poster: null,
    thumbnails: [],
    shown: false,
    time: 0,
    duration: 0,
    playing: false,
    stalled: false,
    connected: false,
    trouble: "",
    loop: true,
    live: false,
    behindS: 0,
    following: false,
    buffered: [],
    rungs: [],
    rung: null,
    fixedRung: null,
    sound: false,
    muted: true,
    volume: 1,
    vr: "unavailable",
  };
}

/** What changes when a show of 90 seconds plays. */
export const PLAYING: Partial<PlayerState> = {
  phase: "ready",
  connected: true,
  title: "Two dancers in a courtyard",
  shown: true,
  playing: true,
  time: 12.4,
  duration: 90,
  buffered: [
    [0, 4],
    [8, 31],
  ],
  rungs: RUNGS,
  rung: 1,
  sound: true,
  muted: false,
  volume: 0.7,
  vr: "available",
};

export const STATS: Stats = {
  frame: 372,
  rung: "medium",
  throughput: 41.3e6,
  aheadS: 18.6,
  waiting: 5,
  decoded: 377,
  displayed: 370,
  dropped: 2,
  stalePoses: 1,
  picturesPerSecond: 59.8,
  draws: 16,
  triangles: 182_344,
  overdraw: 3.42,
  reconnects: 1,
  switches: 2,
  mostHeld: 7,
  textureBytes: 96 << 20,
};

export class FakePlayer implements PlayerPort {
  readonly state = openingState();
  readonly calls: string[] = [];
  figures = STATS;
  /** Of the newest picture. */
  pose: Float32Array | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(readonly options: PlayerOptions) {
    Object.assign(this.state, { loop: options.loop, muted: options.muted });
  }

  /** Changes the state and tells of it. */
  become(change: Partial<PlayerState>): void {
    Object.assign(this.state, change);
    for (const listener of this.listeners) listener();
  }

  get listenerCount(): number {
    return this.listeners.size;
  }

  stats(): Stats {
    return this.figures;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  play(): void {
    this.calls.push("play");
    this.become({ playing: true });
  }

  pause(): void {
    this.calls.push("pause");
    this.become({ playing: false });
  }

  seek(seconds: number): void {
    this.calls.push(`seek ${seconds}`);
    this.become({ time: seconds, following: false });
  }

  follow(): void {
    this.calls.push("follow");
    this.become({ following: true });
  }

  fixRung(rung: number | null): void {
    this.calls.push(`rung ${rung}`);
    this.become({ fixedRung: rung, rung: rung ?? this.state.rung });
  }

  setMuted(muted: boolean): void {
    this.calls.push(`muted ${muted}`);
    this.become({ muted });
  }

  setVolume(volume: number): void {
    this.calls.push(`volume ${volume}`);
    this.become({ volume });
  }

  setLoop(loop: boolean): void {
    this.calls.push(`loop ${loop}`);
    this.become({ loop });
  }

  measureOverdraw(on: boolean): void {
    this.calls.push(`overdraw ${on}`);
  }

  async enterVr(): Promise<void> {
    this.calls.push("enter vr");
    this.become({ vr: "presenting" });
  }

  leaveVr(): void {
    this.calls.push("leave vr");
    this.become({ vr: "available" });
  }

  recentre(): void {
    this.calls.push("recentre");
  }

  eyes(): readonly Eye[] {
    return [];
  }

  subscribeFrames(): () => void {
    return () => undefined;
  }

  async snapshot(): Promise<Blob> {
    return new Blob(["picture"]);
  }

  retry(): void {
    this.calls.push("retry");
    this.become({ phase: "opening", failure: null });
  }

  close(): void {
    this.calls.push("close");
  }
}
