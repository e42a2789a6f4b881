/** What the page and its worker say to each other. Buffers and frames are transferred, never copied. */

import type { Picture, PictureLayout } from "../draw/picture.ts";
import type { DrawMesh } from "../mesh/chunk_mesh.ts";
import type { RungChoice, Thumbnail } from "../play/port.ts";

/** What a page must know of a show before its first frame. */
export interface ShowFacts {
  readonly title: string;
  readonly poster: Blob | null;
  readonly thumbnails: readonly Thumbnail[];
  readonly comfortMin: readonly [number, number, number];
  readonly comfortMax: readonly [number, number, number];
  readonly background: readonly [number, number, number];
  readonly rungs: readonly RungChoice[];
  readonly layouts: readonly PictureLayout[];
  readonly units: "metres" | "rig units";
  readonly sound: boolean;
  readonly live: boolean;
  /** The frame to begin with. */
  readonly first: number;
}

/** The chunks that there are, in seconds. A live show's grow. */
export interface ChunkTimes {
  readonly starts: readonly number[];
  readonly firstFrames: readonly number[];
  readonly duration: number;
  readonly frameCount: number;
}

/** What the link, the buffer and the decoder are doing. */
export interface WorkerFigures {
  readonly connected: boolean;
  /** Why nothing comes, in words; empty while segments do. */
  readonly trouble: string;
  readonly live: boolean;
  /** Where a live show's edge is now, seconds. */
  readonly edge: number;
  readonly buffered: readonly (readonly [number, number])[];
  readonly throughput: number | null;
  readonly aheadS: number;
  readonly reconnects: number;
  readonly switches: number;
  readonly decoded: number;
  /** Rungs that may not be used, in words; empty where they may. As many as the show has. */
  readonly troubles: readonly string[];
  /** Frames that the decoder has given and that are not closed yet: at most, so far. */
  readonly mostHeld: number;
}

/** One decoded frame. `position` counts on from lap to lap of a looping show. */
export interface FrameMessage {
  readonly type: "frame";
  readonly generation: number;
  readonly position: number;
  /** In the show. */
  readonly index: number;
  readonly rung: number;
  readonly mesh: number;
  readonly moving: Float32Array;
  readonly picture: Picture;
}

/** A stretch of decoded sound from `time` on, seconds that count on from lap to lap; one array per channel, 48 kHz. */
export interface SoundMessage {
  readonly type: "sound";
  readonly generation: number;
  readonly time: number;
  readonly channels: readonly Float32Array[];
}

export type FromWorker =
  | { readonly type: "opened"; readonly facts: ShowFacts; readonly chunks: ChunkTimes }
  | { readonly type: "chunks"; readonly chunks: ChunkTimes }
  | { readonly type: "figures"; readonly figures: WorkerFigures }
  | { readonly type: "mesh"; readonly id: number; readonly mesh: DrawMesh }
  | FrameMessage
  | SoundMessage
  | { readonly type: "failed"; readonly message: string; readonly retry: boolean; readonly passing: boolean };

export interface OpenMessage {
  readonly type: "open";
  readonly src: string;
  readonly token: string;
  readonly rung: string | null;
  readonly loop: boolean;
  /** Largest side of a texture. */
  readonly mostTexels: number;
  /** Whether rungs are to keep to what a headset draws in time, where the show has such ones. */
  readonly headset: boolean;
}

export type ToWorker =
  | OpenMessage
  /** Frames from `index` of the show on, from now on. `position` is what that frame is called. */
  | { readonly type: "seek"; readonly generation: number; readonly index: number; readonly position: number }
  /** A frame was taken from the queue; its plane memory comes back, if it had any. */
  | { readonly type: "taken"; readonly memory: ArrayBuffer | null }
  | { readonly type: "fix"; readonly rung: number | null }
  | { readonly type: "headset"; readonly on: boolean }
  | { readonly type: "loop"; readonly on: boolean }
  /** Making a picture of a frame of the rung took so long. */
  | { readonly type: "spent"; readonly rung: number; readonly seconds: number };
