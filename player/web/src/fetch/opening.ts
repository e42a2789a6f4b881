/** A link's opening, with an end to patience. */

import { StreamError } from "../format/errors.ts";
import type { Opened } from "../session/events.ts";
import type { Link } from "../source/link.ts";

const LONGEST_OPEN_S = 30;

/**
 * What the link's `open` gives. Rejects as that, with StreamError where manifest and index take far too long, and with
 * the signal's reason; the link is closed then.
 */
export async function openedInTime(link: Link, signal?: AbortSignal): Promise<Opened> {
  signal?.throwIfAborted();
  let late = false;
  const close = (): void => link.close();
  const timer = setTimeout(() => {
    late = true;
    close();
  }, 1000 * LONGEST_OPEN_S);
  signal?.addEventListener("abort", close);
  try {
    return await link.open();
  } catch (error) {
    signal?.throwIfAborted();
    if (!late) throw error;
    throw new StreamError(
      `manifest and index did not come within ${LONGEST_OPEN_S} s; the network is too slow for any show`,
    );
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", close);
  }
}
