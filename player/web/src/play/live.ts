/** Holding a distance to the live edge: a little faster when behind, a little slower when too close, a jump when far. */

const GAIN = 0.5; // of the speed, for each second of error
const MOST_CHANGE = 0.1; // of the speed; less is neither seen nor heard
const JUMP_S = 3;
const FIRST_MARGIN_S = 0.15;
const MOST_MARGIN_S = 2;
const STALL_COSTS_S = 0.1;
const CALM_GAINS = 0.01; // seconds of margin given back in each second without a stall
const BEFORE_END_S = 1e-3;

/** The distance that is held. */
export interface LiveHold {
  /** Duration of a chunk: no player can be nearer, as chunks come whole. */
  readonly chunkS: number;
  /** What is added for the network's and the decoder's unevenness; grows with every stall. */
  readonly marginS: number;
  /** Whether the distance is held; not after the viewer has sought. */
  readonly following: boolean;
}

/** The distance to begin with. */
export function liveHold(chunkS: number): LiveHold {
  return { chunkS, marginS: FIRST_MARGIN_S, following: true };
}

/** Seconds behind the live edge. */
export function targetS(hold: LiveHold): number {
  return hold.chunkS + hold.marginS;
}

/**
 * The time of a live show after `seconds` of playing, seconds.
 *
 * `edge`: of the show now, in its seconds. `duration`: of what is there already.
 */
export function held(
  hold: LiveHold,
  time: number,
  { seconds, edge, duration }: { seconds: number; edge: number; duration: number },
): number {
  const target = edge - targetS(hold);
  const error = target - time;
  let after = time + seconds;
  if (hold.following) {
    const change = Math.min(Math.max(GAIN * error, -MOST_CHANGE), MOST_CHANGE);
    after = Math.abs(error) > JUMP_S ? target : time + seconds * (1 + change);
  }
  return Math.min(Math.max(after, 0), duration - BEFORE_END_S);
}

/** The distance after a stall: larger. */
export function stalled(hold: LiveHold): LiveHold {
  return { ...hold, marginS: Math.min(hold.marginS + STALL_COSTS_S, MOST_MARGIN_S) };
}

/** The distance after seconds without a stall: slowly smaller again. */
export function calm(hold: LiveHold, seconds: number): LiveHold {
  return { ...hold, marginS: Math.max(hold.marginS - CALM_GAINS * seconds, FIRST_MARGIN_S) };
}
