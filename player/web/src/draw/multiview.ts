/** Both eyes by one draw call a layer (OVR_multiview2): into a texture array, then each eye to its viewport. */

import type { Eye, Finish } from "./eye.ts";
import type { Drawn, Layers } from "./layers.ts";
import { makeProgram, type Program } from "./program.ts";
import { COVER_VERTEX, EYE_FRAGMENT } from "./shaders.ts";

interface Extension {
  framebufferTextureMultiviewOVR(
    target: number, attachment: number, texture: WebGLTexture | null, level: number, first: number, views: number,
  ): void; // prettier-ignore
}

export class Multiview {
  private readonly framebuffer: WebGLFramebuffer;
  private readonly program: Program;
  private readonly empty: WebGLVertexArrayObject;
  private texture: WebGLTexture | null = null;
  private size: readonly [number, number] = [0, 0];

  private constructor(
    private readonly gl: WebGL2RenderingContext,
    private readonly extension: Extension,
  ) {
    this.framebuffer = gl.createFramebuffer();
    this.program = makeProgram(gl, COVER_VERTEX, EYE_FRAGMENT);
    this.empty = gl.createVertexArray();
  }

  /** Null where the device has no multiview. */
  static of(gl: WebGL2RenderingContext): Multiview | null {
    const extension = gl.getExtension("OVR_multiview2") as Extension | null;
    return extension && new Multiview(gl, extension);
  }

  /** Bytes of textures in the GPU's memory. */
  get textureBytes(): number {
    return 8 * this.size[0] * this.size[1];
  }

  /** Whether these eyes can be drawn at once. */
  fits(eyes: readonly Eye[]): eyes is readonly [Eye, Eye] {
    const [a, b] = eyes;
    return eyes.length === 2 && a!.viewport.width === b!.viewport.width && a!.viewport.height === b!.viewport.height;
  }

  /** Draw both eyes into the framebuffer `into`; it is bound again afterwards. */
  draw(layers: Layers, eyes: readonly [Eye, Eye], finish: Finish, into: WebGLFramebuffer | null): Drawn {
    const gl = this.gl;
    const { width, height } = eyes[0].viewport;
    this.sized(width, height);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.framebuffer);
    const [r, g, b] = finish.background;
    gl.clearColor(r * finish.fade, g * finish.fade, b * finish.fade, 1);
    gl.disable(gl.SCISSOR_TEST);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const at = { x: 0, y: 0, width, height };
    const drawn = layers.draw(
      [
        { ...eyes[0], viewport: at },
        { ...eyes[1], viewport: at },
      ],
      finish.fade,
    );
    gl.bindFramebuffer(gl.FRAMEBUFFER, into);
    this.copy(eyes);
    return drawn;
  }

  private copy(eyes: readonly [Eye, Eye]): void {
    const { gl, program } = this;
    gl.useProgram(program.handle);
    gl.disable(gl.BLEND);
    gl.bindVertexArray(this.empty);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, this.texture);
    gl.uniform1i(program.uniform("eyes"), 0);
    eyes.forEach(({ viewport }, eye) => {
      gl.viewport(viewport.x, viewport.y, viewport.width, viewport.height);
      gl.uniform1i(program.uniform("eye"), eye);
      gl.uniform2i(program.uniform("origin"), viewport.x, viewport.y);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
    });
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, null);
    gl.bindVertexArray(null);
  }

  private sized(width: number, height: number): void {
    if (this.size[0] === width && this.size[1] === height) return;
    const gl = this.gl;
    gl.deleteTexture(this.texture);
    this.texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, this.texture);
    gl.texStorage3D(gl.TEXTURE_2D_ARRAY, 1, gl.RGBA8, width, height, 2);
    gl.texParameteri(gl.TEXTURE_2D_ARRAY, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D_ARRAY, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, null);
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, this.framebuffer);
    this.extension.framebufferTextureMultiviewOVR(gl.DRAW_FRAMEBUFFER, gl.COLOR_ATTACHMENT0, this.texture, 0, 0, 2);
    this.size = [width, height];
  }

  release(): void {
    const gl = this.gl;
    gl.deleteFramebuffer(this.framebuffer);
    gl.deleteTexture(this.texture);
    gl.deleteProgram(this.program.handle);
    gl.deleteVertexArray(this.empty);
    [this.texture, this.size] = [null, [0, 0]];
  }
}
