/** The play position: advances while playing, freezes while frames are missing, wraps or holds at the end. */

/** Seconds of the show's clock, and whether it runs. */
export interface PlayClock {
  /** Of the show, seconds. */
  readonly duration: number;
  readonly time: number;
  readonly playing: boolean;
  /** The end is followed by the start; else the clock stops there. */
  readonly loop: boolean;
}

/** The clock after `seconds` of playing; the same clock while it is paused. */
export function advanced(clock: PlayClock, seconds: number): PlayClock {
  if (!clock.playing) return clock;
  const time = clock.time + seconds;
  if (time < clock.duration) return { ...clock, time };
  if (clock.loop) return { ...clock, time: time % clock.duration };
  return { ...clock, time: clock.duration, playing: false };
}

/** The clock moved by `seconds`, held within the show. */
export function sought(clock: PlayClock, seconds: number): PlayClock {
  return { ...clock, time: Math.min(Math.max(clock.time + seconds, 0), clock.duration) };
}

/** Paused if it was running, else running; from the start where it had come to the end. */
export function toggled(clock: PlayClock): PlayClock {
  const atEnd = !clock.playing && clock.time >= clock.duration;
  return { ...clock, playing: !clock.playing, time: atEnd ? 0 : clock.time };
}
