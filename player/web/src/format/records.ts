/** The records inside a manifest: cameras, rungs, sound, thumbnails, the encoder's own figures. SPEC section 4.2. */

import { sameBytes } from "./digest.ts";
import { FormatError } from "./errors.ts";
import { type Fields, type Pose, integer } from "./fields.ts";
import type { Ratio } from "./ratio.ts";
import {
  CODECS,
  type Codec,
  MAX_BITS_PER_SECOND,
  MAX_CAMERA_PARAMS,
  MAX_COVERAGE,
  MAX_DRAWN_TRIANGLES,
  MAX_DURATION_S,
  MAX_FRAMES,
  MAX_GRID_SIDE,
  MAX_LAYERS,
  MAX_PICTURE_SIDE,
  MAX_THUMBNAIL_BYTES,
  SOUND_RATES,
} from "./schema.ts";

/** A camera of the rig, as calibrated. `model` is opaque here beyond its types. */
export interface CameraRecord {
  readonly name: string;
  readonly model: {
    readonly kind: string;
    readonly width: number;
    readonly height: number;
    readonly params: readonly number[];
  };
  readonly T_show_camera: Pose;
  /** The encoder never saw its footage. */
  readonly heldOut: boolean;
}

/** What it takes to draw a rung (SPEC 4.5). */
export interface Cost {
  /** Screens that are blended: the mean over frames and head poses, and what 99 of 100 do not exceed. */
  readonly coverageMean: number;
  readonly coverageP99: number;
  /** Triangles, and layers that have some, in the frame that has most. */
  readonly triangles: number;
  readonly draws: number;
}

/** One rate of the ladder. All its pictures have one size; the atlas layout is per chunk, in the geometry. */
export interface Rung {
  readonly name: string;
  readonly codec: Codec;
  /** RFC 6381, for WebCodecs, e.g. "avc1.640033". */
  readonly codecString: string;
  /** Coded picture as it is shown, pixels. */
  readonly width: number;
  readonly height: number;
  /** The colour region, at (0, 0) of the picture. */
  readonly colourWidth: number;
  readonly colourHeight: number;
  /** Where the alpha region starts; it has the size of the colour region. */
  readonly alphaX: number;
  readonly alphaY: number;
  /** Picture pixels per texel of the layers' grid, in (0, 1]. */
  readonly textureScale: number;
  /** Mean of all its segments. */
  readonly bitsPerSecond: number;
  /** null where it is not known. */
  readonly cost: Cost | null;
}

/** Opus packets in the chunks. `preSkip` samples at 48 kHz are to be dropped at the show's start. */
export interface Sound {
  readonly codec: "opus";
  readonly sampleRate: number;
  readonly channels: number;
  readonly preSkip: number;
}

/** PSNR in dB of one camera's frame after two stages of the encoder, before the codec. */
export interface StageFigure {
  readonly camera: string;
  readonly frame: number;
  readonly heldOut: boolean;
  readonly msiPsnr: number;
  readonly layersPsnr: number;
}

/** What is to be seen from the origin at a time of the show, seconds: a small JPEG or PNG. */
export interface Thumbnail {
  readonly time: Ratio;
  readonly image: Uint8Array;
}

export function readCamera(f: Fields): CameraRecord {
  const model = f.map("model");
  return {
    name: f.text("name", false),
    model: {
      kind: model.text("kind", false),
      width: model.integer("width", 1, MAX_GRID_SIDE),
      height: model.integer("height", 1, MAX_GRID_SIDE),
      params: model.numbers("params", 1, MAX_CAMERA_PARAMS),
    },
    T_show_camera: f.pose("T_show_camera"),
    heldOut: f.flag("held_out"),
  };
}

export function readRung(f: Fields): Rung {
  const rung: Rung = {
    name: f.text("name", false),
    codec: f.choice("codec", CODECS),
    codecString: f.text("codec_string"),
    width: f.integer("width", 2, MAX_PICTURE_SIDE),
    height: f.integer("height", 2, MAX_PICTURE_SIDE),
    colourWidth: f.integer("colour_width", 1, MAX_PICTURE_SIDE),
    colourHeight: f.integer("colour_height", 1, MAX_PICTURE_SIDE),
    alphaX: f.integer("alpha_x", 0, MAX_PICTURE_SIDE),
    alphaY: f.integer("alpha_y", 0, MAX_PICTURE_SIDE),
    textureScale: f.real("texture_scale", 1e-3, 1),
    bitsPerSecond: f.integer("bits_per_second", 0, MAX_BITS_PER_SECOND),
    cost: f.has("cost") && f.get("cost") !== null ? readCost(f.map("cost")) : null,
  };
  if (rung.width % 2 || rung.height % 2) {
    throw new FormatError(`${f.path} has an odd picture size; 4:2:0 needs even sides`);
  }
  if (rung.alphaX + rung.colourWidth > rung.width || rung.alphaY + rung.colourHeight > rung.height) {
    throw new FormatError(`${f.path} has its alpha region outside the picture of ${rung.width}x${rung.height}`);
  }
  if (rung.alphaX < rung.colourWidth && rung.alphaY < rung.colourHeight) {
    throw new FormatError(`${f.path} has its alpha region over its colour region`);
  }
  return rung;
}

function readCost(f: Fields): Cost {
  return {
    coverageMean: f.real("coverage_mean", 0, MAX_COVERAGE),
    coverageP99: f.real("coverage_p99", 0, MAX_COVERAGE),
    triangles: f.integer("triangles", 0, MAX_DRAWN_TRIANGLES),
    draws: f.integer("draws", 0, MAX_LAYERS),
  };
}

export function readSound(f: Fields): Sound {
  const sampleRate = integer(f.get("sample_rate"), f.name("sample_rate"), SOUND_RATES[0], SOUND_RATES.at(-1)!);
  if (!SOUND_RATES.some((rate) => rate === sampleRate)) {
    throw new FormatError(`${f.name("sample_rate")} is ${sampleRate}; it must be one of ${SOUND_RATES.join(", ")}`);
  }
  return {
    codec: f.choice("codec", ["opus"]),
    sampleRate,
    channels: f.integer("channels", 1, 8),
    preSkip: f.integer("pre_skip", 0, 65535),
  };
}

export function readStage(f: Fields): StageFigure {
  return {
    camera: f.text("camera", false),
    frame: f.integer("frame", 0, MAX_FRAMES),
    heldOut: f.flag("held_out"),
    msiPsnr: f.real("msi_psnr", -1000, 1000),
    layersPsnr: f.real("layers_psnr", -1000, 1000),
  };
}

export function readThumbnail(f: Fields): Thumbnail {
  return {
    time: f.fraction("time", 0, MAX_DURATION_S),
    image: readPicture(f, "image", { most: MAX_THUMBNAIL_BYTES, empty: false }),
  };
}

const PICTURE_MAGICS = [
  Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), // PNG
  Uint8Array.of(0xff, 0xd8, 0xff), // JPEG
];

/** A JPEG or PNG of at most `most` bytes, or none where `empty`. A view. */
export function readPicture(f: Fields, key: string, { most, empty }: { most: number; empty: boolean }): Uint8Array {
  const data = f.blob(key, most);
  const known = PICTURE_MAGICS.some((magic) => sameBytes(data.subarray(0, magic.length), magic));
  if (!known && (data.length || !empty)) throw new FormatError(`${f.name(key)} is neither JPEG nor PNG`);
  return data;
}
