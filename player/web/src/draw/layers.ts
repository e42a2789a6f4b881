/** Draws the layers of one frame, far to near, premultiplied "over", one draw call a layer. SPEC section 4.4. */

import { mayBeSeen, type Plane, sidePlanes } from "../mesh/bounds.ts";
import type { DrawMesh, LayerRange } from "../mesh/chunk_mesh.ts";
import type { Eye } from "./eye.ts";
import { MeshBuffers } from "./mesh_buffers.ts";
import { type Picture, type PictureLayout, PictureTexture } from "./picture.ts";
import { makeProgram, type Program } from "./program.ts";
import { COUNT_FRAGMENT, PLANES_FRAGMENT, RGB_FRAGMENT, vertexShader } from "./shaders.ts";

type Look = Picture["kind"] | "count";

const FRAGMENTS: Record<Look, string> = { planes: PLANES_FRAGMENT, frame: RGB_FRAGMENT, count: COUNT_FRAGMENT };

/** What drawing one picture took. */
export interface Drawn {
  readonly draws: number;
  readonly triangles: number;
}

export class Layers {
  private readonly programs = new Map<string, Program>();
  private readonly picture: PictureTexture;
  private buffers: MeshBuffers | null = null;
  private layout: PictureLayout | null = null;

  /** Throws an Error in words where the graphics driver refuses the programs. */
  constructor(private readonly gl: WebGL2RenderingContext) {
    this.picture = new PictureTexture(gl);
    // At once, so that a driver which refuses them is told of before anything plays.
    this.program(1, "planes");
    this.program(1, "frame");
  }

  /** Bytes of textures in the GPU's memory. */
  get textureBytes(): number {
    return this.picture.bytes;
  }

  /** Whether there is something to draw. */
  get ready(): boolean {
    return this.buffers !== null;
  }

  /** Takes a frame: mesh, moving disparities and picture change together or not at all. Not amid a pass. */
  take(mesh: DrawMesh, moving: Float32Array, picture: Picture, layout: PictureLayout): void {
    if (this.buffers?.mesh !== mesh) {
      this.buffers?.release();
      this.buffers = new MeshBuffers(this.gl, mesh);
    }
    this.buffers.move(moving);
    this.picture.upload(picture);
    this.layout = layout;
  }

  /** Draw for one eye into its viewport of the bound framebuffer, or for two at once into a multiview one. */
  draw(eyes: readonly [Eye] | readonly [Eye, Eye], fade: number): Drawn {
    return this.pass(eyes, this.picture.kind, (program) => {
      this.picture.use((name) => program.uniform(name), this.layout!);
      this.gl.uniform1f(program.uniform("fade"), fade);
      this.gl.blendFunc(this.gl.ONE, this.gl.ONE_MINUS_SRC_ALPHA);
    });
  }

  /** Add 1/255 per layer to the viewport's pixels. */
  count(eye: Eye): Drawn {
    return this.pass([eye], "count", () => this.gl.blendFunc(this.gl.ONE, this.gl.ONE));
  }

  release(): void {
    this.buffers?.release();
    this.picture.release();
    for (const program of this.programs.values()) this.gl.deleteProgram(program.handle);
    this.programs.clear();
    this.buffers = null;
  }

  private pass(eyes: readonly [Eye] | readonly [Eye, Eye], look: Look, prepare: (program: Program) => void): Drawn {
    const buffers = this.buffers;
    if (!buffers) return { draws: 0, triangles: 0 };
    const gl = this.gl;
    const program = this.program(eyes.length, look);
    const { x, y, width, height } = eyes[0].viewport;
    gl.viewport(x, y, width, height);
    gl.useProgram(program.handle);
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.CULL_FACE);
    gl.disable(gl.STENCIL_TEST);
    gl.enable(gl.BLEND);
    gl.blendEquation(gl.FUNC_ADD);
    gl.depthMask(false);
    gl.colorMask(true, true, true, true);
    prepare(program);
    gl.uniformMatrix4fv(program.uniform("projection"), false, joined(eyes.map((eye) => eye.projection)));
    gl.uniformMatrix4fv(program.uniform("view"), false, joined(eyes.map((eye) => eye.view)));
    gl.bindVertexArray(buffers.array);
    let [draws, triangles] = [0, 0];
    for (const layer of seen(buffers.mesh.layers, eyes)) {
      gl.drawElements(gl.TRIANGLES, layer.count, gl.UNSIGNED_INT, 4 * layer.first);
      draws += 1;
      triangles += layer.count / 3;
    }
    gl.bindVertexArray(null);
    gl.depthMask(true);
    return { draws, triangles };
  }

  private program(views: 1 | 2, look: Look): Program {
    const key = `${look} ${views}`;
    let found = this.programs.get(key);
    if (!found) {
      found = makeProgram(this.gl, vertexShader(views), FRAGMENTS[look]);
      this.programs.set(key, found);
    }
    return found;
  }
}

/** The layers that at least one eye may see. */
function seen(layers: readonly LayerRange[], eyes: readonly Eye[]): LayerRange[] {
  const frusta: Plane[][] = eyes.map((eye) => sidePlanes(eye.projection, eye.view));
  return layers.filter((layer) => frusta.some((planes) => mayBeSeen(layer.bound, planes)));
}

function joined(matrices: readonly ArrayLike<number>[]): Float32Array {
  const out = new Float32Array(16 * matrices.length);
  matrices.forEach((matrix, i) => out.set(matrix, 16 * i));
  return out;
}
