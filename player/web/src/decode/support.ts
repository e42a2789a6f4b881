/** What this device can decode and hold. */

import type { Manifest, Rung } from "../format/manifest.ts";

/** `trouble`: why a rung cannot be used, empty where it can. `smooth`: the device expects to keep up with it. */
export interface RungSupport {
  readonly trouble: string;
  readonly smooth: boolean;
}

/** The configuration that a rung's pictures are decoded with: Annex B and temporal units need no description. */
export function decoderConfig(rung: Rung): VideoDecoderConfig {
  return {
    codec: rung.codecString,
    codedWidth: rung.width,
    codedHeight: rung.height,
    colorSpace: { primaries: "bt709", transfer: "bt709", matrix: "bt709", fullRange: false },
  };
}

/** Asks the device about every rung. `mostTexels`: largest side of a texture. */
export async function rungSupport(manifest: Manifest, mostTexels: number): Promise<RungSupport[]> {
  return Promise.all(
    manifest.rungs.map(async (rung) => {
      // Planes lie below each other in one texture.
      if (Math.max(rung.width, 1.5 * rung.height) > mostTexels) {
        return { trouble: `its pictures of ${rung.width}x${rung.height} are too large for this device`, smooth: false };
      }
      if (!(await decodes(rung))) {
        return { trouble: `this browser does not decode ${rung.codec} of ${rung.width}x${rung.height}`, smooth: false };
      }
      return { trouble: "", smooth: await isSmooth(rung, Number(manifest.frameRate?.toSeconds() ?? 30)) };
    }),
  );
}

async function decodes(rung: Rung): Promise<boolean> {
  try {
    return (await VideoDecoder.isConfigSupported(decoderConfig(rung))).supported === true;
  } catch {
    return false; // a codec string that the browser cannot read
  }
}

async function isSmooth(rung: Rung, framerate: number): Promise<boolean> {
  try {
    const found = await navigator.mediaCapabilities.decodingInfo({
      type: "media-source",
      video: {
        contentType: `video/mp4; codecs="${rung.codecString}"`,
        width: rung.width,
        height: rung.height,
        bitrate: rung.bitsPerSecond,
        framerate,
      },
    });
    return found.smooth;
  } catch {
    return true; // browsers without Media Capabilities: what is too much shows when it is played
  }
}

/** Rungs to choose among: those that play smoothly, else the one with the fewest pixels that plays at all. */
export function usableRungs(manifest: Manifest, support: readonly RungSupport[]): number[] {
  const all = manifest.rungs.map((_, i) => i).filter((i) => !support[i].trouble);
  const smooth = all.filter((i) => support[i].smooth);
  if (smooth.length || !all.length) return smooth;
  const pixels = (i: number): number => manifest.rungs[i].width * manifest.rungs[i].height;
  return [all.reduce((least, i) => (pixels(i) < pixels(least) ? i : least))];
}
