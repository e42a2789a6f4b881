/** The GPU's copy of a chunk's mesh. */

import type { DrawMesh } from "../mesh/chunk_mesh.ts";
import { DIRECTION, DISPARITY, TEXEL } from "./shaders.ts";

export class MeshBuffers {
  private readonly buffers: WebGLBuffer[];
  private readonly disparities: WebGLBuffer;
  readonly array: WebGLVertexArrayObject;

  constructor(
    private readonly gl: WebGL2RenderingContext,
    readonly mesh: DrawMesh,
  ) {
    this.array = gl.createVertexArray();
    gl.bindVertexArray(this.array);
    this.disparities = this.attribute(DISPARITY, 1, mesh.disparities, gl.DYNAMIC_DRAW);
    const index = gl.createBuffer();
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, index);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, mesh.indices, gl.STATIC_DRAW);
    this.buffers = [
      this.attribute(DIRECTION, 3, mesh.directions, gl.STATIC_DRAW),
      this.attribute(TEXEL, 2, mesh.texels, gl.STATIC_DRAW),
      this.disparities,
      index,
    ];
    gl.bindVertexArray(null);
  }

  /** Takes the disparities of a frame: those of the vertices that move, one range. */
  move(moving: Float32Array): void {
    if (!moving.length) return;
    const gl = this.gl;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.disparities);
    gl.bufferSubData(gl.ARRAY_BUFFER, 4 * this.mesh.firstMoving, moving);
    gl.bindBuffer(gl.ARRAY_BUFFER, null);
  }

  release(): void {
    this.gl.deleteVertexArray(this.array);
    for (const buffer of this.buffers) this.gl.deleteBuffer(buffer);
  }

  private attribute(place: number, size: number, values: Float32Array, usage: number): WebGLBuffer {
    const gl = this.gl;
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, values, usage);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, gl.FLOAT, false, 0, 0);
    return buffer;
  }
}
