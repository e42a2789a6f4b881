/** Frames that came and were not shown yet. A few: the worker sends no more than may wait. */

import { closePicture } from "../draw/picture.ts";
import type { DrawMesh } from "../mesh/chunk_mesh.ts";
import type { FrameMessage } from "../worker/messages.ts";

/** A frame with its mesh: they change on the screen together. */
export interface ReadyFrame extends FrameMessage {
  readonly shape: DrawMesh;
}

export class FrameQueue {
  private readonly frames: ReadyFrame[] = [];
  private readonly meshes = new Map<number, DrawMesh>();
  private generation = 0;
  dropped = 0;

  /** `taken`: told of every frame that leaves the queue, so that another may come. */
  constructor(private readonly taken: (frame: FrameMessage) => void) {}

  get waiting(): number {
    return this.frames.length;
  }

  /** Whether a frame is here that is shown from `position` on. */
  has(position: number): boolean {
    return this.frames.some((frame) => frame.position === position);
  }

  addMesh(id: number, mesh: DrawMesh): void {
    this.meshes.set(id, mesh);
  }

  add(frame: FrameMessage): void {
    const shape = this.meshes.get(frame.mesh);
    if (frame.generation !== this.generation || !shape) return this.letGo(frame);
    // Meshes come in order: of older ones no frame comes any more.
    for (const id of this.meshes.keys()) if (id < frame.mesh) this.meshes.delete(id);
    this.frames.push({ ...frame, shape });
  }

  /** From now on only frames of this generation count. */
  begin(generation: number): void {
    this.generation = generation;
    for (const frame of this.frames.splice(0)) this.letGo(frame);
  }

  /** The newest frame up to `position`, or null where none has come; older ones are let go. */
  take(position: number): ReadyFrame | null {
    let found: ReadyFrame | null = null;
    while (this.frames.length && this.frames[0].position <= position) {
      if (found) this.letGo(found);
      found = this.frames.shift()!;
    }
    return found;
  }

  /** A frame was shown: its picture is given back. */
  shown(frame: ReadyFrame): void {
    closePicture(frame.picture);
    this.taken(frame);
  }

  private letGo(frame: FrameMessage): void {
    this.dropped += 1;
    closePicture(frame.picture);
    this.taken(frame);
  }
}
