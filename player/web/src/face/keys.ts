/** The keyboard: which key does what, and whose keys they are. */

import { KEYS as HEAD_KEYS } from "../head/fly.ts";
import type { Gestures } from "../head/gestures.ts";
import type { PlayerPort, PlayerState } from "../play/port.ts";
import type { Actions } from "./actions.ts";

const SKIP_S = 2;
const LOUDER = 0.1;

/** Does what a key is for. Returns whether it is for anything; `again` where the key is held and repeats. */
export function press(key: string, again: boolean, actions: Actions, { volume, muted }: PlayerState): boolean {
  const level = muted ? 0 : volume;
  const held = new Map<string, () => void>([
    ["ArrowLeft", () => actions.skip(-SKIP_S)],
    ["ArrowRight", () => actions.skip(SKIP_S)],
    ["ArrowUp", () => actions.volume(level + LOUDER)],
    ["ArrowDown", () => actions.volume(level - LOUDER)],
  ]);
  const once = new Map<string, () => void>([
    [" ", actions.playOrPause],
    ["f", actions.fullscreen],
    ["r", actions.recentre],
    ["m", actions.mute],
    ["s", actions.stats],
    ["l", actions.follow],
    ["v", actions.vr],
  ]);
  if (/^\d$/.test(key)) once.set(key, () => actions.fixRung(key === "0" ? null : Number(key) - 1));
  const action = held.get(key) ?? (again ? undefined : once.get(key));
  action?.();
  return held.has(key) || once.has(key);
}

/** Whether a key belongs to something else: a shortcut of the browser, a field to type in, a button to press. */
export function isTaken(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return true;
  const [target] = event.composedPath();
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches("input:not([type=range]), textarea, select")) return true;
  return event.key === " " && target.matches("button, a, summary, [role=button], [role^=menuitem]");
}

/** Listens until the signal aborts. `isOurs` tells whether a key is meant for this player. */
export function listenToKeys(
  isOurs: (event: Event) => boolean,
  actions: Actions,
  port: PlayerPort,
  head: Gestures,
  signal: AbortSignal,
): void {
  document.addEventListener(
    "keydown",
    (event) => {
      if (isTaken(event) || !isOurs(event)) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if (Object.hasOwn(HEAD_KEYS, key)) head.hold(event.code, key);
      else if (!press(key, event.repeat, actions, port.state)) return;
      event.preventDefault();
    },
    { signal },
  );
  // A key may come up after the focus has moved on, or never be seen to.
  document.addEventListener("keyup", (event) => head.release(event.code), { signal });
  window.addEventListener("blur", () => head.releaseAll(), { signal });
}
