/** Measures how many layers are blended per pixel of the screen, on a small copy of the view. */

import type { Eye } from "./eye.ts";
import type { Layers } from "./layers.ts";

const SIDE = 64;

export class Overdraw {
  private readonly framebuffer: WebGLFramebuffer;
  private readonly texture: WebGLTexture;

  constructor(private readonly gl: WebGL2RenderingContext) {
    this.texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, SIDE, SIDE);
    gl.bindTexture(gl.TEXTURE_2D, null);
    this.framebuffer = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.framebuffer);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.texture, 0);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }

  /** Blended screens for an eye; `into` is bound again afterwards. Waits for the GPU: not for every picture. */
  measure(layers: Layers, eye: Eye, into: WebGLFramebuffer | null): number {
    const gl = this.gl;
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.framebuffer);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    layers.count({ ...eye, viewport: { x: 0, y: 0, width: SIDE, height: SIDE } });
    const pixels = new Uint8Array(4 * SIDE * SIDE);
    gl.readPixels(0, 0, SIDE, SIDE, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    gl.bindFramebuffer(gl.FRAMEBUFFER, into);
    let sum = 0;
    for (let i = 0; i < pixels.length; i += 4) sum += pixels[i];
    return sum / (SIDE * SIDE);
  }

  release(): void {
    this.gl.deleteFramebuffer(this.framebuffer);
    this.gl.deleteTexture(this.texture);
  }
}
