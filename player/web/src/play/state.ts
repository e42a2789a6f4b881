/** What the face is told. */

import type { OpenedShow } from "./opened_show.ts";
import type { PlayerState, Stats } from "./port.ts";
import type { Screen } from "./screen.ts";

/** What a player knows without its show. */
export type Own = {
  -readonly [key in "failure" | "playing" | "loop" | "muted" | "volume" | "vr"]: PlayerState[key];
};

/** The state of a player with its show, which may not be open yet. `rung`: the name of the one that was fixed. */
export function stateOf(own: Own, show: OpenedShow | null, rung: string | null): PlayerState {
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
    trouble: figures?.trouble ?? "",
    live: edge !== null,
    behindS: edge === null || !playback ? 0 : edge - playback.showTime,
    following: playback?.following ?? false,
    buffered: figures?.buffered ?? [],
    rungs: facts?.rungs.map((rung, i) => ({ ...rung, trouble: figures?.troubles[i] ?? rung.trouble })) ?? [],
    rung: playback?.frame?.rung ?? null,
    fixedRung: show?.rungNamed(rung) ?? null,
    sound: facts?.sound ?? false,
  };
}

/** The figures of a show on a screen. */
export function statsOf(show: OpenedShow | null, screen: Screen | null): Stats {
  const { figures = null, queue, playback = null, displayed = 0, facts = null } = show ?? {};
  const frame = playback?.frame ?? null;
  return {
    frame: frame?.index ?? null,
    rung: frame && facts ? facts.rungs[frame.rung].name : "",
    throughput: figures?.throughput ?? null,
    aheadS: figures?.aheadS ?? 0,
    waiting: queue?.waiting ?? 0,
    decoded: figures?.decoded ?? 0,
    displayed,
    dropped: queue?.dropped ?? 0,
    stalePoses: screen?.pace.missed ?? 0,
    picturesPerSecond: screen?.pace.perSecond ?? 0,
    draws: screen?.drawn.draws ?? 0,
    triangles: screen?.drawn.triangles ?? 0,
    overdraw: screen?.overdraw ?? null,
    reconnects: figures?.reconnects ?? 0,
    switches: figures?.switches ?? 0,
    mostHeld: figures?.mostHeld ?? 0,
    textureBytes: screen?.textureBytes ?? 0,
  };
}
