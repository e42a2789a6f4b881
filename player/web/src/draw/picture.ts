/** The one texture that holds a frame's picture. */

/** Where colour and alpha lie in a rung's picture: the alpha region's corner, pixels; picture pixels per texel. */
export interface PictureLayout {
  readonly alphaX: number;
  readonly alphaY: number;
  readonly textureScale: number;
}

/**
 * A decoded picture on its way to the GPU. Planes (Y, then U, then V, tight) where the decoder has them in memory: they
 * are converted exactly by our own shader. Else the decoder's frame, which the GPU converts by itself.
 */
export type Picture =
  | { readonly kind: "planes"; readonly data: ArrayBuffer; readonly width: number; readonly height: number }
  | { readonly kind: "frame"; readonly frame: VideoFrame; readonly width: number; readonly height: number };

/** Gives back what a picture holds that is not shown, or not any more. */
export function closePicture(picture: Picture): void {
  if (picture.kind === "frame") picture.frame.close();
}

export class PictureTexture {
  private texture: WebGLTexture | null = null;
  private made = "";
  kind: Picture["kind"] = "planes";
  width = 0;
  height = 0;
  /** Bytes of the GPU's memory. */
  bytes = 0;

  constructor(private readonly gl: WebGL2RenderingContext) {}

  /** Takes a picture: all of the texture is written anew. Must not be called amid a pass. */
  upload(picture: Picture): void {
    const gl = this.gl;
    this.make(picture);
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    // The state is shared with three.js, which flips and multiplies.
    gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    const { width, height } = picture;
    if (picture.kind === "frame") {
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, picture.frame);
    } else {
      const write = (x: number, y: number, w: number, h: number, from: number): void =>
        gl.texSubImage2D(
          gl.TEXTURE_2D, 0, x, y, w, h, gl.RED, gl.UNSIGNED_BYTE, new Uint8Array(picture.data, from, w * h),
        ); // prettier-ignore
      write(0, 0, width, height, 0);
      write(0, height, width / 2, height / 2, width * height);
      write(width / 2, height, width / 2, height / 2, 1.25 * width * height);
    }
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 4);
    gl.bindTexture(gl.TEXTURE_2D, null);
  }

  /** Binds the texture and says where colour and alpha lie in it; `layout` in pixels. */
  use(uniform: (name: string) => WebGLUniformLocation | null, layout: PictureLayout): void {
    const gl = this.gl;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.uniform1i(uniform("picture"), 0);
    gl.uniform2f(uniform("size"), this.width, this.height);
    gl.uniform2f(uniform("alpha_offset"), layout.alphaX, layout.alphaY);
    gl.uniform1f(uniform("texture_scale"), layout.textureScale);
  }

  private make(picture: Picture): void {
    const wanted = `${picture.kind} ${picture.width}x${picture.height}`;
    if (wanted === this.made) return;
    const gl = this.gl;
    this.release();
    const planes = picture.kind === "planes";
    const rows = planes ? 1.5 * picture.height : picture.height;
    this.texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, planes ? gl.R8 : gl.RGBA8, picture.width, rows);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    [this.made, this.kind, this.width, this.height] = [wanted, picture.kind, picture.width, picture.height];
    this.bytes = picture.width * rows * (planes ? 1 : 4);
  }

  release(): void {
    this.gl.deleteTexture(this.texture);
    this.texture = null;
    [this.made, this.bytes] = ["", 0];
  }
}
