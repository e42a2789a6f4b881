/** What the element tells its page: the player's state as events. */

import type { PlayerState } from "../play/port.ts";

// As often as media elements tell theirs.
const TIME_UPDATE_MS = 250;

/** Details of `statechange`. */
export type Standing = Pick<
  PlayerState,
  "phase" | "shown" | "playing" | "stalled" | "connected" | "live" | "following" | "rung" | "fixedRung" | "muted" | "vr"
>;

export function standing(state: PlayerState): Standing {
  const { phase, shown, playing, stalled, connected, live, following, rung, fixedRung, muted, vr } = state;
  return { phase, shown, playing, stalled, connected, live, following, rung, fixedRung, muted, vr };
}

/** Returns what is called after every change; it tells what differs from the last call. */
export function reporter(tell: (event: CustomEvent) => void): (state: PlayerState, now: number) => void {
  let last: PlayerState | null = null;
  let toldTime = -Infinity;
  let toldAt = -Infinity;
  return (state, now) => {
    const before = last;
    // A state may be changed in place.
    last = { ...state };
    if (state.phase === "ready" && before?.phase !== "ready") tell(new CustomEvent("ready"));
    const details = standing(state);
    const told = before === null ? null : standing(before);
    if (told === null || Object.entries(details).some(([name, value]) => told[name as keyof Standing] !== value)) {
      tell(new CustomEvent("statechange", { detail: details }));
    }
    if (state.phase === "failed" && before?.phase !== "failed") {
      tell(new CustomEvent("error", { detail: state.failure }));
    }
    const stopped = before?.playing === true && !state.playing;
    if (state.time !== toldTime && (stopped || now - toldAt >= TIME_UPDATE_MS)) {
      toldTime = state.time;
      toldAt = now;
      tell(new CustomEvent("timeupdate", { detail: { time: state.time, duration: state.duration } }));
    }
  };
}
