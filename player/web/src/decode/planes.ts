/** Decoded frames become pictures that the page can upload: their planes where they are in memory. */

import { MOST_WAITING } from "./gate.ts";
import type { Picture } from "../draw/picture.ts";

/** Memory for planes, used again and again. */
export class PlaneMemory {
  private readonly free: ArrayBuffer[] = [];

  take(bytes: number): ArrayBuffer {
    while (this.free.length) {
      const found = this.free.pop()!;
      if (found.byteLength === bytes) return found;
    }
    return new ArrayBuffer(bytes);
  }

  give(memory: ArrayBuffer): void {
    if (this.free.length <= MOST_WAITING) this.free.push(memory);
  }
}

/**
 * The frame's picture. The frame is closed, or has become part of it.
 *
 * Software decoders give I420 in memory. Converting that to RGB is done by browsers with rounded coefficients (off by up
 * to 11 of 255 in saturated blue); the planes are smaller and our shader is exact. Frames of hardware decoders stay in
 * the GPU, whose conversion is exact enough.
 */
export async function pictureOf(frame: VideoFrame, memory: PlaneMemory): Promise<Picture> {
  const { width, height } = frame.visibleRect!;
  if (frame.format !== "I420") return { kind: "frame", frame, width, height };
  const data = memory.take(1.5 * width * height);
  try {
    await frame.copyTo(data);
  } finally {
    frame.close();
  }
  return { kind: "planes", data, width, height };
}
