/** A phone as a window: its orientation sensor, from the permission to the turn of the head. */

import { beginning, deviceTurn, heading, since, type Beginning } from "./orientation.ts";
import { UNTURNED, type Quaternion } from "./quaternion.ts";

// iOS asks the person, and only in a gesture; the standard's types do not know it yet.
type Asking = typeof DeviceOrientationEvent & { requestPermission?: () => Promise<"granted" | "denied"> };

export class OrientationSensor {
  following = false;
  private start: Beginning | null = null;
  private newest: Quaternion = UNTURNED;
  private readonly listener = (event: DeviceOrientationEvent) => this.read(event);

  /** Whether this is a device that is held in the hand and may tell how. */
  static get available(): boolean {
    return typeof DeviceOrientationEvent !== "undefined" && isSecureContext && matchMedia("(pointer: coarse)").matches;
  }

  /** Begins to follow. Must be called in a gesture; rejects with an Error in words. */
  async follow(): Promise<void> {
    const asking: Asking = DeviceOrientationEvent;
    const answer = await asking.requestPermission?.().catch(() => "denied");
    if (answer === "denied") {
      throw new Error("This page may not read the motion sensor; allow it in the browser's settings");
    }
    window.addEventListener("deviceorientation", this.listener);
    this.following = true;
  }

  /** No longer follows; looks as it did at the beginning. */
  leave(): void {
    window.removeEventListener("deviceorientation", this.listener);
    this.following = false;
    this.recentre();
  }

  /** The next reading is the beginning. */
  recentre(): void {
    this.start = null;
    this.newest = UNTURNED;
  }

  /** The turn since the beginning. */
  get turn(): Quaternion {
    return this.newest;
  }

  /** How far it leads to the right, radians. */
  get heading(): number {
    return heading(this.newest);
  }

  private read({ alpha, beta, gamma }: DeviceOrientationEvent): void {
    // Machines without the sensor send one event without angles.
    if (alpha === null || beta === null || gamma === null) return;
    const turn = deviceTurn({ alpha, beta, gamma }, screen.orientation?.angle ?? 0);
    this.start ??= beginning(turn);
    this.newest = since(this.start, turn);
  }
}
