/** Where the head is on a flat screen: what hands and a phone's sensor make of it, picture by picture. */

import type { ComfortBox } from "./comfort.ts";
import { longestSide } from "./comfort.ts";
import { centred, headPose, moved, shifted, turned, type FlyHead } from "./fly.ts";
import { Gestures } from "./gestures.ts";
import { listenToHands } from "./input.ts";
import { OrientationSensor } from "./sensor.ts";

const WHEEL_STEP_S = 0.08; // of moving, for a notch
const WHEEL_SETTLES_S = 0.06;
const SPEED_SETTLES_S = 0.05;
const GLIDE_S = 0.2;
const NEAREST_ZOOM = 0.25;
const FARTHEST_ZOOM = 1.5;
const NOWHERE: ComfortBox = { low: [0, 0, 0], high: [0, 0, 0] };

/** How the show is looked at on a flat screen. */
export interface FlatView {
  /** T_world_head, 4x4, column by column. */
  readonly pose: Float32Array;
  /** Times the tangent of half the field of view: 1 is as it was asked for, less is closer. */
  readonly fovScale: number;
}

export interface HeadOptions {
  /** The horizontal field of view at `fovScale` 1, radians: what is dragged stays under the pointer. */
  readonly fov: () => number;
  /** Whether the wheel is the player's now. */
  readonly wheelTaken: () => boolean;
}

export class HeadControl {
  readonly gestures = new Gestures();
  private readonly sensor = new OrientationSensor();
  private readonly listening = new AbortController();
  private readonly calm = matchMedia("(prefers-reduced-motion: reduce)");
  private box = NOWHERE;
  private head = centred(NOWHERE);
  private placed = false;
  private fovScale = 1;
  private speed = { right: 0, up: 0 }; // of looking around, radians a second
  private wheelS = 0; // of moving forward, that the wheel still asks for

  constructor(
    private readonly surface: HTMLElement,
    private readonly options: HeadOptions,
  ) {
    listenToHands(surface, this.gestures, options.wheelTaken, this.listening.signal);
  }

  /** Tells where the show is valid. The head goes to its middle, unless it was set. */
  setBox(box: ComfortBox): void {
    this.box = box;
    if (!this.placed) this.head = { ...this.head, position: centred(box).position };
  }

  /** Takes what the hands did, moves the head and says how the show is looked at now. */
  step(seconds: number): FlatView {
    const taken = this.gestures.take();
    const { heading } = this.sensor;
    const width = Math.max(this.surface.clientWidth, 1);
    this.fovScale = Math.min(Math.max(this.fovScale * Math.exp(-taken.zoom), NEAREST_ZOOM), FARTHEST_ZOOM);
    const angle = (2 * Math.tan(this.options.fov() / 2) * this.fovScale) / width;
    this.look({ right: -taken.turn[0] * angle, up: taken.turn[1] * angle }, taken.turning, seconds);
    const metre = longestSide(this.box) / width;
    const way = { right: -taken.slide[0] * metre, up: taken.slide[1] * metre, forward: 0 };
    this.head = shifted(this.head, this.box, way, heading);
    this.head = moved(this.head, this.box, taken.keys, seconds, heading);
    this.roll(taken.wheel, seconds, heading);
    return { pose: headPose(this.head, this.sensor.turn), fovScale: this.fovScale };
  }

  /** To the middle of the box, looking forward. */
  recentre(): void {
    this.set(centred(this.box));
    this.fovScale = 1;
    this.sensor.recentre();
  }

  /** Exactly there, at once. */
  set(head: FlyHead): void {
    this.placed = true;
    this.head = { position: [...head.position], yaw: head.yaw, pitch: head.pitch };
    this.speed = { right: 0, up: 0 };
    this.wheelS = 0;
    this.gestures.take();
  }

  /** Where the hands have put it. */
  get(): FlyHead {
    return this.head;
  }

  /** Whether the device can be looked through like a window. */
  static get phoneAvailable(): boolean {
    return OrientationSensor.available;
  }

  get followsPhone(): boolean {
    return this.sensor.following;
  }

  /** Begins to look where the phone is turned. Must be called in a gesture; rejects with an Error in words. */
  followPhone(): Promise<void> {
    return this.sensor.follow();
  }

  leavePhone(): void {
    this.sensor.leave();
  }

  dispose(): void {
    this.listening.abort();
    this.sensor.leave();
  }

  // While a hand turns the head its speed is measured; let go, the head glides on and comes to rest.
  private look(turn: { right: number; up: number }, turning: boolean, seconds: number): void {
    this.head = turned(this.head, turn);
    if (this.calm.matches || seconds <= 0) return;
    if (turning) {
      const share = 1 - Math.exp(-seconds / SPEED_SETTLES_S);
      this.speed.right += share * (turn.right / seconds - this.speed.right);
      this.speed.up += share * (turn.up / seconds - this.speed.up);
      return;
    }
    const rest = Math.exp(-seconds / GLIDE_S);
    const glide = GLIDE_S * (1 - rest);
    this.head = turned(this.head, { right: this.speed.right * glide, up: this.speed.up * glide });
    this.speed = { right: this.speed.right * rest, up: this.speed.up * rest };
  }

  // A wheel comes in notches; the head makes one motion of them.
  private roll(notches: number, seconds: number, heading: number): void {
    this.wheelS += WHEEL_STEP_S * notches;
    const part = this.calm.matches ? this.wheelS : this.wheelS * (1 - Math.exp(-seconds / WHEEL_SETTLES_S));
    this.wheelS -= part;
    this.head = moved(this.head, this.box, part > 0 ? ["w"] : ["x"], Math.abs(part), heading);
  }
}
