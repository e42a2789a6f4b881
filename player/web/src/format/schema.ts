// Written by player/web/schema.py from the Python of `protocol`; do not edit.

import type { Ratio } from "./ratio.ts";

// SPEC section 2; bytes, where nothing else is said.
export const KIB = 1024;
export const MIB = 1048576;
export const MAX_SHOW_BYTES = 17592186044416;
export const MAX_MANIFEST_BYTES = 4194304;
export const MAX_CHUNKS = 65536;
export const MAX_RUNGS = 8;
export const MAX_SEGMENT_BYTES = 134217728;
export const SEGMENT_ALIGNMENT = 4096;
export const FIRST_READ_BYTES = 65536;
export const MAX_NOTES_BYTES = 4194304;
export const MAX_TEXT = 1024;
export const MAX_CAMERAS = 1024;
export const MAX_CAMERA_PARAMS = 64;
export const MAX_LAYERS = 64;
export const MAX_SETTINGS = 256;
export const MAX_STAGE_FIGURES = 4096;
export const MAX_POSTER_BYTES = 524288;
export const MAX_THUMBNAILS = 64;
export const MAX_THUMBNAIL_BYTES = 16384;
export const MAX_COVERAGE = 1048576;
export const MAX_DRAWN_TRIANGLES = 268435456;
export const MAX_GRID_SIDE = 65535;
export const MAX_PICTURE_SIDE = 16384;
export const MAX_FRAMES = 268435456;
export const MAX_BITS_PER_SECOND = 1099511627776;
export const MAX_DURATION_S = 4294967296;
export const MAX_FRAMES_PER_CHUNK = 1024;
export const MAX_SOUND_PACKETS = 4096;
export const MAX_SOUND_PACKET_BYTES = 65536;
export const MAX_GEOMETRY_BYTES = 67108864;
export const MAX_POINTS = 1048576;
export const MAX_TRIANGLES = 2097152;
export const MAX_RECTS = 65535;
export const MAX_DISPARITIES = 67108864;
export const MAX_GEOMETRY_RAW_BYTES = 134217728;
export const MAX_ZSTD_WINDOW_BYTES = 8388608;
export const MAX_FRONT_BYTES = 25165824;
export const MAX_MESSAGE_BYTES = 65536;
export const MAX_PART_BYTES = 1048576;
export const MIN_PART_BYTES = 16384;
export const MAX_CREDIT_BYTES = 67108864;
export const MAX_VERSIONS = 16;
export const MAX_CAPABILITIES = 64;
export const MAX_GENERATION = 4294967295;
export const MAX_MESSAGE_ITEMS = 64;
export const MAX_MESSAGES_PER_S = 1000;
export const COUNTED_BYTES = 256;

// SPEC sections 3 to 6
export const SHOW_MAGIC = Uint8Array.of(0x89, 0x4c, 0x46, 0x56, 0x0d, 0x0a, 0x1a, 0x0a);
export const FORMAT_MAJOR = 1;
export const HEADER_BYTES = 64;
export const INDEX_MAGIC = Uint8Array.of(0x4c, 0x46, 0x56, 0x49);
export const MAX_INDEX_BYTES = 16777232;
export const DIGEST_BYTES = 16;
export const SEGMENT_MAGIC = Uint8Array.of(0x4c, 0x46, 0x56, 0x53);
export const SEGMENT_VERSION = 1;
export const SEGMENT_HEADER_BYTES = 64;
export const GEOMETRY_MAGIC = Uint8Array.of(0x4c, 0x46, 0x56, 0x47);
export const GEOMETRY_VERSION = 1;
export const DISPARITY_STEPS = 65535;
export const CODECS = ["h264", "hevc", "av1"] as const;
export const SOUND_RATES = [8000, 12000, 16000, 24000, 48000] as const;
export const UNITS = ["metres", "rig units"] as const;
// What a headset draws for both eyes in time, SPEC 4.5
export const HEADSET = { coverageMean: 4.0, coverageP99: 6.0, triangles: 1000000, draws: 100 };
export type Codec = (typeof CODECS)[number];
export type Units = (typeof UNITS)[number];

// SPEC section 8
export const PROTOCOL_VERSIONS = [1] as const;
export const LIVE = "live";
export const PART_MARK = 193;
export const PART_HEADER_BYTES = 20;
export const FRONT = 0;
export const SEGMENT = 1;
export const ERROR_CODES = ["version", "capability", "token", "origin", "show", "rung", "credit", "generation", "message", "limit", "timeout", "busy", "storage"] as const;
export const PASSING_CODES = ["timeout", "busy", "storage"] as const;

/** The client's first message. `credit`: bytes of parts that the server may send at once. */
export interface Hello {
  readonly type: "hello";
  readonly versions: readonly number[];
  readonly show: string;
  readonly token: string;
  readonly agent: string;
  readonly capabilities: readonly string[];
  readonly credit: number;
}

/** The server's answer. `front_bytes` follow as parts: header, manifest and index as in a file. */
export interface Welcome {
  readonly type: "welcome";
  readonly version: number;
  readonly agent: string;
  readonly capabilities: readonly string[];
  readonly live: boolean;
  readonly front_bytes: number;
}

/** Segments from the chunk at `time` seconds on, None for the newest; whatever was under way is stale. */
export interface Subscribe {
  readonly type: "subscribe";
  readonly generation: number;
  readonly time: Ratio | null;
  readonly rung: number;
}

/** The rung of every chunk that has not begun. */
export interface Switch {
  readonly type: "switch";
  readonly generation: number;
  readonly rung: number;
}

/** That many more bytes of parts may be sent. */
export interface Credit {
  readonly type: "credit";
  readonly bytes: number;
}

/** Asks for a Pong with the same number, and says that the client lives. */
export interface Ping {
  readonly type: "ping";
  readonly id: number;
}

/** The answer to the newest Ping that was not answered yet. */
export interface Pong {
  readonly type: "pong";
  readonly id: number;
}

/** A live show has grown: rows of its index (SPEC 3.2) from chunk `first` on. */
export interface Appended {
  readonly type: "appended";
  readonly first: number;
  readonly rows: Uint8Array;
}

/** All `chunks` of the show have been sent to this generation, and no more will come. */
export interface End {
  readonly type: "end";
  readonly generation: number;
  readonly chunks: number;
}

/** The sender will close; another connection may be tried later. */
export interface Bye {
  readonly type: "bye";
  readonly reason: string;
}

/** The sender closes now, because of what the other end asked for. */
export interface Error {
  readonly type: "error";
  readonly code: string;
  readonly message: string;
}

export type Message = Hello | Welcome | Subscribe | Switch | Credit | Ping | Pong | Appended | End | Bye | Error;

/** How the fields of each message are written, in the order of the wire. */
export type FieldKind = "integer" | "integers" | "text" | "texts" | "flag" | "bytes" | "time";

export type MessageFields = Readonly<Record<Message["type"], readonly (readonly [string, FieldKind])[]>>;
export const MESSAGE_FIELDS: MessageFields = {
  hello: [["versions", "integers"], ["show", "text"], ["token", "text"], ["agent", "text"], ["capabilities", "texts"], ["credit", "integer"]],
  welcome: [["version", "integer"], ["agent", "text"], ["capabilities", "texts"], ["live", "flag"], ["front_bytes", "integer"]],
  subscribe: [["generation", "integer"], ["time", "time"], ["rung", "integer"]],
  switch: [["generation", "integer"], ["rung", "integer"]],
  credit: [["bytes", "integer"]],
  ping: [["id", "integer"]],
  pong: [["id", "integer"]],
  appended: [["first", "integer"], ["rows", "bytes"]],
  end: [["generation", "integer"], ["chunks", "integer"]],
  bye: [["reason", "text"]],
  error: [["code", "text"], ["message", "text"]],
};
