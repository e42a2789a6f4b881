/**
 * The picture: layers first, then what three.js has in its scene (the panel in the headset) on top of them.
 *
 * three.js owns the canvas, the WebXR session and its frames; the layers are drawn into whatever it has bound.
 */

import { LinearSRGBColorSpace, PerspectiveCamera, Scene, WebGLRenderer } from "three";

import { type Eye, type Finish, flatProjection, inverseRigid } from "./eye.ts";
import { type Drawn, Layers } from "./layers.ts";
import { Multiview } from "./multiview.ts";
import { Overdraw } from "./overdraw.ts";

/** Called for every picture: `seconds` of a steady clock, and WebXR's frame while the headset is worn. */
export type Turn = (seconds: number, frame: XRFrame | undefined) => void;

export class Stage {
  readonly renderer: WebGLRenderer;
  readonly scene = new Scene();
  readonly gl: WebGL2RenderingContext;
  layers: Layers;
  private readonly camera = new PerspectiveCamera();
  private multiview: Multiview | null;
  private overdraw: Overdraw | null = null;

  /** Throws an Error in words where the browser has no WebGL2. */
  constructor(readonly canvas: HTMLCanvasElement) {
    const gl = canvas.getContext("webgl2", {
      alpha: false,
      antialias: false,
      depth: true,
      stencil: false,
      powerPreference: "high-performance",
    });
    if (!gl)
      throw new Error("this browser shows no 3D pictures (WebGL 2); switch on hardware acceleration or use another");
    this.gl = gl;
    this.renderer = new WebGLRenderer({ canvas, context: gl });
    // Colours are composited as they are coded, in gamma space: nothing is to be converted.
    this.renderer.outputColorSpace = LinearSRGBColorSpace;
    this.renderer.autoClear = false;
    this.renderer.info.autoReset = false;
    this.renderer.setPixelRatio(1);
    this.layers = new Layers(gl);
    this.multiview = Multiview.of(gl);
  }

  /** After the GPU has lost all that was there, and lets itself be used again. */
  restore(): void {
    this.layers = new Layers(this.gl);
    this.multiview = Multiview.of(this.gl);
    this.overdraw = null;
  }

  /** Bytes of the GPU's memory in textures of our own. */
  get textureBytes(): number {
    return this.layers.textureBytes + (this.multiview?.textureBytes ?? 0);
  }

  start(turn: Turn): void {
    this.renderer.setAnimationLoop((time: number, frame?: XRFrame) => turn(time / 1000, frame));
  }

  /** As many pixels as the canvas has on the screen. In the headset its size is WebXR's. */
  fit(): void {
    if (this.renderer.xr.isPresenting) return;
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    if (this.canvas.width !== width || this.canvas.height !== height) this.renderer.setSize(width, height, false);
  }

  /** The view of a head that looks at the screen. `pose`: T_show_head; `fov`: horizontal, radians. */
  flatEye(pose: ArrayLike<number>, fov: number): Eye {
    const { width, height } = this.canvas;
    return {
      projection: flatProjection(fov, width, height),
      view: inverseRigid(pose),
      viewport: { x: 0, y: 0, width, height },
    };
  }

  /** Draw the newest frame for one or two eyes. */
  draw(eyes: readonly Eye[], finish: Finish): Drawn {
    const { gl, renderer } = this;
    const target = renderer.getRenderTarget();
    const into = gl.getParameter(gl.DRAW_FRAMEBUFFER_BINDING) as WebGLFramebuffer | null;
    const drawn = this.multiview?.fits(eyes)
      ? this.multiview.draw(this.layers, eyes, finish, into)
      : this.drawEach(eyes, finish);
    renderer.resetState();
    renderer.setRenderTarget(target);
    if (this.scene.children.some((child) => child.visible)) renderer.render(this.scene, this.camera);
    return drawn;
  }

  /** Blended layers per pixel. Waits for the GPU. */
  measureOverdraw(eye: Eye): number {
    const { gl, renderer } = this;
    const target = renderer.getRenderTarget();
    const into = gl.getParameter(gl.DRAW_FRAMEBUFFER_BINDING) as WebGLFramebuffer | null;
    this.overdraw ??= new Overdraw(gl);
    const found = this.overdraw.measure(this.layers, eye, into);
    renderer.resetState();
    renderer.setRenderTarget(target);
    return found;
  }

  /** (W * H * 4) RGBA of what was drawn into the bound framebuffer, the lowest row first. */
  read(width: number, height: number): Uint8Array {
    const pixels = new Uint8Array(4 * width * height);
    this.gl.readPixels(0, 0, width, height, this.gl.RGBA, this.gl.UNSIGNED_BYTE, pixels);
    return pixels;
  }

  release(): void {
    this.renderer.setAnimationLoop(null);
    this.layers.release();
    this.multiview?.release();
    this.overdraw?.release();
    this.renderer.dispose();
    // Browsers allow few contexts, and keep those of removed elements for long.
    this.renderer.forceContextLoss();
  }

  private drawEach(eyes: readonly Eye[], { background, fade }: Finish): Drawn {
    const gl = this.gl;
    gl.disable(gl.SCISSOR_TEST);
    gl.colorMask(true, true, true, true);
    gl.clearColor(background[0] * fade, background[1] * fade, background[2] * fade, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    let drawn: Drawn = { draws: 0, triangles: 0 };
    for (const eye of eyes) drawn = this.layers.draw([eye], fade);
    return drawn;
  }
}
