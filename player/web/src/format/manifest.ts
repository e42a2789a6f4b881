/**
 * What a show says about itself before any segment is read. SPEC section 4.
 *
 * Reading checks every value and names the field that is wrong.
 */

import { FormatError } from "./errors.ts";
import { type Fields, type Pose, type Scalar, unpackDocument } from "./fields.ts";
import type { GeometryBounds } from "./geometry.ts";
import { type Projection, readProjection } from "./projection.ts";
import { type Ratio, compare } from "./ratio.ts";
import {
  type CameraRecord,
  type Rung,
  type Sound,
  type StageFigure,
  type Thumbnail,
  readCamera,
  readPicture,
  readRung,
  readSound,
  readStage,
  readThumbnail,
} from "./records.ts";
import {
  MAX_CAMERAS,
  MAX_DURATION_S,
  MAX_FRAMES,
  MAX_LAYERS,
  MAX_MANIFEST_BYTES,
  MAX_POSTER_BYTES,
  MAX_RUNGS,
  MAX_SETTINGS,
  MAX_STAGE_FIGURES,
  MAX_THUMBNAILS,
  UNITS,
  type Units,
} from "./schema.ts";
import type { ShowIndex } from "./show_index.ts";

export type { CameraRecord, Rung, Sound, StageFigure, Thumbnail };
export type Vector = readonly [number, number, number];

const FAR = 1e9;

/** All that a player must know before it asks for a segment. */
export interface Manifest {
  readonly title: string;
  /** Nominal; null for a still. Exact times are in the segments. */
  readonly frameRate: Ratio | null;
  /** Of the whole show; the duration in seconds, above 0 for a still as well. */
  readonly frameCount: number;
  readonly duration: Ratio;
  readonly projection: Projection;
  /** Distances in `units`; far may be infinite. */
  readonly near: number;
  readonly far: number;
  /** Layers of every chunk's geometry, far to near. */
  readonly layerCount: number;
  /** Corners of the head box in which the show is valid, show frame. */
  readonly comfortMin: Vector;
  readonly comfortMax: Vector;
  readonly units: Units;
  readonly T_show_rig: Pose;
  readonly cameras: readonly CameraRecord[];
  readonly rungs: readonly Rung[];
  readonly sound: Sound | null;
  readonly colour: "bt709";
  readonly range: "limited";
  /** sRGB in [0, 1], behind the farthest layer. */
  readonly background: Vector;
  /** What the encoder was asked for, for people. */
  readonly encoder: ReadonlyMap<string, Scalar>;
  readonly stages: readonly StageFigure[];
  /** JPEG or PNG, or empty. */
  readonly poster: Uint8Array;
  /** For a timeline, in order of time. */
  readonly thumbnails: readonly Thumbnail[];
}

/** msgpack bytes -> validated Manifest; its pictures are views. Throws FormatError with the path of the field. */
export function decodeManifest(data: Uint8Array): Manifest {
  const f = unpackDocument(data, "manifest", { maxBytes: MAX_MANIFEST_BYTES });
  const manifest: Manifest = {
    title: f.text("title"),
    frameRate: f.get("frame_rate") === null ? null : f.fraction("frame_rate", 0, 1000, true),
    frameCount: f.integer("frame_count", 1, MAX_FRAMES),
    duration: f.fraction("duration", 0, MAX_DURATION_S, true),
    projection: readProjection(f.map("projection")),
    near: f.real("near", 1e-6, FAR),
    far: f.real("far", 1e-6, FAR, true),
    layerCount: f.integer("layer_count", 1, MAX_LAYERS),
    comfortMin: vector(f, "comfort_min", -FAR, FAR),
    comfortMax: vector(f, "comfort_max", -FAR, FAR),
    units: f.choice("units", UNITS),
    T_show_rig: f.pose("T_show_rig"),
    cameras: f.maps("cameras", 0, MAX_CAMERAS).map(readCamera),
    rungs: f.maps("rungs", 1, MAX_RUNGS).map(readRung),
    sound: f.get("sound") === null ? null : readSound(f.map("sound")),
    colour: f.choice("colour", ["bt709"]),
    range: f.choice("range", ["limited"]),
    background: vector(f, "background", 0, 1),
    encoder: f.scalars("encoder", MAX_SETTINGS),
    stages: f.maps("stages", 0, MAX_STAGE_FIGURES).map(readStage),
    poster: readPicture(f, "poster", { most: MAX_POSTER_BYTES, empty: true }),
    thumbnails: f.has("thumbnails") ? f.maps("thumbnails", 0, MAX_THUMBNAILS).map(readThumbnail) : [],
  };
  checkManifest(manifest, f.path);
  return manifest;
}

function checkManifest(m: Manifest, path: string): void {
  if (m.near >= m.far) throw new FormatError(`${path}.far must be beyond near (${m.near})`);
  if (m.comfortMin.some((low, axis) => low > m.comfortMax[axis])) {
    throw new FormatError(`${path}.comfort_max must not be below comfort_min`);
  }
  if (m.frameRate === null && m.frameCount !== 1) {
    throw new FormatError(`${path}.frame_rate is missing for ${m.frameCount} frames`);
  }
  for (const key of ["cameras", "rungs"] as const) {
    if (new Set(m[key].map((entry) => entry.name)).size !== m[key].length) {
      throw new FormatError(`${path}.${key} has a name twice`);
    }
  }
  const times = [...m.thumbnails.map((thumbnail) => thumbnail.time), m.duration];
  if (times.some((time, i) => i > 0 && compare(times[i - 1], time) >= 0)) {
    throw new FormatError(`${path}.thumbnails are out of order, or behind the end of the show`);
  }
}

/** Manifest and index speak of the same show. Throws FormatError. */
export function checkAgreement(manifest: Manifest, index: ShowIndex): void {
  if (manifest.rungs.length !== index.rungCount) {
    throw new FormatError(`manifest has ${manifest.rungs.length} rungs, index ${index.rungCount}`);
  }
  if (manifest.frameCount !== index.frameCount) {
    throw new FormatError(`manifest has ${manifest.frameCount} frames, index ${index.frameCount}`);
  }
  if (compare(manifest.duration, index.duration) !== 0) {
    throw new FormatError(`manifest lasts ${manifest.duration} s, index ${index.duration} s`);
  }
}

/** What the geometry of a chunk with `frameCount` frames has to keep to at the rung (SPEC 6.4). */
export function geometryBounds(manifest: Manifest, rung: number, frameCount: number): GeometryBounds {
  const { colourWidth, colourHeight, textureScale } = manifest.rungs[rung];
  return {
    layerCount: manifest.layerCount,
    frameCount,
    gridWidth: manifest.projection.width,
    gridHeight: manifest.projection.height,
    atlasWidth: Math.floor(colourWidth / textureScale + 1e-6),
    atlasHeight: Math.floor(colourHeight / textureScale + 1e-6),
  };
}

function vector(f: Fields, key: string, low: number, high: number): Vector {
  const [x, y, z] = f.numbers(key, 3, 3, low, high);
  return [x, y, z];
}
