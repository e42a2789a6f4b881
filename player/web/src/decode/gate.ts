/** How much may be under way between the decoder's input and the screen. */

/** Frames that wait to be shown: few, because a hardware decoder has few, and stops when they are kept. */
export const MOST_WAITING = 4;

/** Pictures that a decoder may keep back before it gives the first one (H.264 and HEVC: at most 16, to reorder them). */
const MOST_KEPT_BACK = 17;

export interface UnderWay {
  /** Frames that the decoder has given and that were neither shown nor let go. */
  readonly waiting: number;
  /** Access units submitted whose picture has not come. */
  readonly inside: number;
  /** Those of them that the decoder has not begun with. */
  readonly queued: number;
}

/**
 * Whether the next access unit may be submitted.
 *
 * Shallow: no more is under way than may wait. Only a decoder that has begun with all it has, and gives nothing, gets
 * more: it keeps pictures back to bring them into order.
 */
export function mayDecode({ waiting, inside, queued }: UnderWay): boolean {
  return waiting + inside < MOST_WAITING || (waiting === 0 && queued === 0 && inside < MOST_KEPT_BACK);
}
