/** A GL program and the places of its uniforms. */

import { DIRECTION, DISPARITY, TEXEL } from "./shaders.ts";

export interface Program {
  readonly handle: WebGLProgram;
  uniform(name: string): WebGLUniformLocation | null;
}

/** Compiles and links. Throws an Error with the driver's words. */
export function makeProgram(gl: WebGL2RenderingContext, vertex: string, fragment: string): Program {
  const handle = gl.createProgram();
  for (const [type, source] of [
    [gl.VERTEX_SHADER, vertex],
    [gl.FRAGMENT_SHADER, fragment],
  ] as const) {
    const shader = gl.createShader(type)!;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(handle, shader);
    gl.deleteShader(shader);
  }
  gl.bindAttribLocation(handle, DIRECTION, "direction");
  gl.bindAttribLocation(handle, DISPARITY, "disparity");
  gl.bindAttribLocation(handle, TEXEL, "texel");
  gl.linkProgram(handle);
  if (!gl.getProgramParameter(handle, gl.LINK_STATUS) && !gl.isContextLost()) {
    const words = (gl.getAttachedShaders(handle) ?? []).map((shader) => gl.getShaderInfoLog(shader)).join(" ");
    throw new Error(
      `this device's graphics driver refuses a program of the player: ${gl.getProgramInfoLog(handle)} ${words}`,
    );
  }
  const places = new Map<string, WebGLUniformLocation | null>();
  return {
    handle,
    uniform(name) {
      let place = places.get(name);
      if (place === undefined) places.set(name, (place = gl.getUniformLocation(handle, name)));
      return place;
    },
  };
}
