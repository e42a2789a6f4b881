/** Pixels that were read back become a picture file. */

/** (W * H * 4) RGBA, the lowest row first -> PNG. */
export async function pngOf(pixels: Uint8Array, width: number, height: number): Promise<Blob> {
  const image = new ImageData(width, height);
  for (let row = 0; row < height; row++) {
    image.data.set(pixels.subarray(4 * width * (height - 1 - row), 4 * width * (height - row)), 4 * width * row);
  }
  for (let i = 3; i < image.data.length; i += 4) image.data[i] = 255;
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")!.putImageData(image, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
