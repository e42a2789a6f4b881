/** A picture that arrived as bytes, on a canvas: no address that a page's policy would have to allow, none to revoke. */

import { make } from "./dom.ts";

export interface Picture {
  readonly element: HTMLCanvasElement;
  /** Null clears it. Of several in a row the last one stays. */
  draw(image: Blob | null): void;
}

/** `width`: in pixels, to which it is brought however large it is: shows come from anywhere. */
export function picture(className: string, width: number): Picture {
  const element = make("canvas", { class: className, "aria-hidden": "true", width: "0", height: "0" });
  let wanted: Blob | null = null;
  const draw = async (image: Blob | null) => {
    if (image === wanted) return;
    wanted = image;
    // What cannot be decoded is no more than a picture less: the show itself does not need it.
    const bitmap =
      image === null
        ? null
        : await createImageBitmap(image, { resizeWidth: width, resizeQuality: "high" }).catch(() => null);
    if (wanted === image) {
      element.width = bitmap?.width ?? 0;
      element.height = bitmap?.height ?? 0;
      if (bitmap !== null) element.getContext("2d")?.drawImage(bitmap, 0, 0);
    }
    bitmap?.close();
  };
  return { element, draw: (image) => void draw(image) };
}
