/** What a client's session tells: the show, its segments as they come, its growth and its end. */

import type { Manifest } from "../format/manifest.ts";
import type { ShowIndex } from "../format/show_index.ts";

/** The show's manifest and index are here. */
export interface Opened {
  readonly type: "opened";
  readonly manifest: Manifest;
  readonly index: ShowIndex;
  readonly live: boolean;
}

/** Bytes of a segment have come; `received` of `total` are here. */
export interface Progress {
  readonly type: "progress";
  readonly chunk: number;
  readonly rung: number;
  readonly received: number;
  readonly total: number;
}

/** A whole segment; `unpackSegment` says whether it is the one that the index promises. */
export interface Arrived {
  readonly type: "arrived";
  readonly chunk: number;
  readonly rung: number;
  readonly data: Uint8Array;
}

/** A live show has more chunks. */
export interface Grown {
  readonly type: "grown";
  readonly index: ShowIndex;
}

/** Everything has been sent to the end of the show, which grows no more. */
export interface Ended {
  readonly type: "ended";
}

/** The server lives: it answered the ping of this number. */
export interface Ponged {
  readonly type: "ponged";
  readonly id: number;
}

/** The server goes away for a reason of its own; another connection may be tried. */
export interface Left {
  readonly type: "left";
  readonly reason: string;
}

export type Event = Opened | Progress | Arrived | Grown | Ended | Ponged | Left;
