/** The headset: WebXR's immersive session, where its eyes are in the show, and what the controllers ask for. */

import { Vector4 } from "three";

import type { Eye } from "../draw/eye.ts";
import { inverseRigid } from "../draw/eye.ts";
import type { Stage } from "../draw/stage.ts";
import { centre, multiplied, scaled } from "./poses.ts";
import { readStick, type Stick } from "./stick.ts";

/** What controllers ask for. */
export interface Commands {
  /** A trigger or the A or X button: pause or go on. */
  toggle(): void;
  /** The stick, to the left (-1) or right (+1). */
  step(direction: -1 | 1): void;
  ended(): void;
}

/** Whether this device has a headset and lets the page use it. */
export async function headsetThere(): Promise<boolean> {
  try {
    return (await navigator.xr?.isSessionSupported("immersive-vr")) ?? false;
  } catch {
    return false; // the page's rules forbid it
  }
}

export class Headset {
  private session: XRSession | null = null;
  /** That of the newest `enter`; leaving takes it away. */
  private attempt: object | null = null;
  /** T_show_reference: where WebXR's reference space stands in the show. Null until the head was seen once. */
  private place: Float32Array | null = null;
  private readonly sticks = new Map<XRInputSource, Stick>();

  constructor(
    private readonly stage: Stage,
    private readonly commands: Commands,
  ) {}

  get presenting(): boolean {
    return this.session !== null;
  }

  /** Refreshes of its displays a second, where it says. */
  get frameRate(): number | null {
    return this.session?.frameRate ?? null;
  }

  /** Must be called in a user's gesture. Rejects with an Error in words. */
  async enter(): Promise<void> {
    const attempt = (this.attempt = {});
    const session = await this.request();
    const { xr } = this.stage.renderer;
    xr.enabled = true;
    try {
      if (this.attempt === attempt) {
        xr.setReferenceSpaceType((await hasFloor(session)) ? "local-floor" : "local");
        await xr.setSession(session);
      }
    } catch (error) {
      await session.end().catch(() => {});
      xr.enabled = false;
      throw new Error(`the headset shows no picture of this browser (${words(error)}); restart it and try again`);
    }
    if (this.attempt !== attempt) {
      await session.end().catch(() => {});
      xr.enabled = false;
      throw new Error("the headset was left before it showed anything");
    }
    this.session = session;
    this.place = null;
    session.addEventListener("select", () => this.commands.toggle());
    session.addEventListener("squeeze", () => this.recentre());
    // The wearer has asked the system for it.
    xr.getReferenceSpace()?.addEventListener("reset", () => this.recentre());
    session.addEventListener("end", () => this.ended());
  }

  /** Also while it is being entered. */
  leave(): void {
    this.attempt = null;
    this.session?.end().catch(() => {}); // it has ended by itself
  }

  /** The head is in the middle of the comfort volume and looks forward, as it is turned now. */
  recentre(): void {
    this.place = null;
  }

  /**
   * The eyes of this frame in the show, none where the headset does not know where it is. `middle`: where the head
   * begins, show frame.
   */
  eyes(frame: XRFrame, middle: readonly [number, number, number], unitsPerMetre: number): Eye[] {
    const { xr } = this.stage.renderer;
    const space = xr.getReferenceSpace();
    const pose = space && frame.getViewerPose(space);
    if (!pose) return [];
    this.place ??= centre(scaled(pose.transform.matrix, unitsPerMetre), middle);
    const cameras = xr.getCamera().cameras;
    return pose.views.map((view, i) => {
      const viewport: Vector4 = cameras[i].viewport!;
      return {
        projection: Float32Array.from(view.projectionMatrix),
        view: inverseRigid(multiplied(this.place!, scaled(view.transform.matrix, unitsPerMetre))),
        viewport: { x: viewport.x, y: viewport.y, width: viewport.z, height: viewport.w },
      };
    });
  }

  /** Reads the controllers' sticks; to be called for every frame. */
  poll(): void {
    for (const source of this.session?.inputSources ?? []) {
      const before = this.sticks.get(source);
      const { stick, step, pressed } = readStick(source.gamepad ?? null, before);
      this.sticks.set(source, stick);
      if (step) this.commands.step(step);
      if (pressed) this.commands.toggle();
    }
  }

  private async request(): Promise<XRSession> {
    if (!navigator.xr)
      throw new Error("this browser knows no headset (WebXR); open the page in the headset's own browser");
    try {
      return await navigator.xr.requestSession("immersive-vr", { optionalFeatures: ["local-floor", "layers"] });
    } catch (error) {
      throw new Error(
        `the headset cannot be used now (${words(error)}); allow it for this page, or close what uses it`,
      );
    }
  }

  private ended(): void {
    this.session = null;
    this.place = null;
    this.sticks.clear();
    this.stage.renderer.xr.enabled = false;
    this.commands.ended();
  }
}

async function hasFloor(session: XRSession): Promise<boolean> {
  try {
    await session.requestReferenceSpace("local-floor");
    return true;
  } catch {
    return false;
  }
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
