/** What the face is told. */

import type { OpenedShow } from "./opened_show.ts";
import type { PlayerState } from "./port.ts";

type Own = Pick<PlayerState, "failure" | "playing" | "loop" | "fixedRung" | "muted" | "volume" | "vr">;

/** The state of a player with its show, which may not be open yet. */
export function stateOf(own: Own, show: OpenedShow | null): PlayerState {
  const { facts = null, playback = null, figures = null } = show ?? {};
  const edge = show?.edge ?? null;
  return {
    ...own,
    phase: own.failure ? "failed" : facts ? "ready" : "opening",
    title: facts?.title ?? "",
    poster: facts?.poster ?? null,
    thumbnails: facts?.thumbnails ?? [],
    shown: (playback?.frame ?? null) !== null,
    time: playback?.showTime ?? 0,
    duration: playback?.duration ?? 0,
    playing: playback?.playing ?? own.playing,
    stalled: playback?.stalled ?? false,
    connected: figures?.connected ?? true,
    live: edge !== null,
    behindS: edge === null || !playback ? 0 : edge - playback.showTime,
    following: playback?.following ?? false,
    buffered: figures?.buffered ?? [],
    rungs: facts?.rungs.map((rung, i) => ({ ...rung, trouble: figures?.troubles[i] ?? rung.trouble })) ?? [],
    rung: playback?.frame?.rung ?? null,
    sound: facts?.sound ?? false,
  };
}
