/** All that a person sees and touches of one player: made at once, then it follows the player's state. */

import type { HeadControl } from "../head/view.ts";
import type { PlayerPort } from "../play/port.ts";
import { actions } from "./actions.ts";
import { bar } from "./bar.ts";
import { make, setAttribute, show } from "./dom.ts";
import { fullscreen } from "./fullscreen.ts";
import { icon } from "./icons.ts";
import { idle } from "./idle.ts";
import { listenToKeys } from "./keys.ts";
import { notices as makeNotices } from "./notices.ts";
import { picture } from "./picture.ts";
import { statsOverlay } from "./stats_overlay.ts";
import { onTap } from "./tap.ts";

export interface FaceParts {
  /** The element that is embedded. */
  readonly host: HTMLElement;
  /** Holds everything; the surface is in it already. */
  readonly frame: HTMLElement;
  /** The show's picture, dragged and tapped. */
  readonly surface: HTMLElement;
  readonly port: PlayerPort;
  readonly head: HeadControl;
  /** Whether a key that was pressed somewhere on the page is for this player. */
  readonly isOurKey: (event: Event) => boolean;
  readonly controls: () => boolean;
  readonly signal: AbortSignal;
}

const POSTER_WIDTH = 1280;

/** Builds it into the frame. Returns what brings it up to the state of now. */
export function buildFace({ host, frame, surface, port, head, isOurKey, controls, signal }: FaceParts): () => void {
  const update = () => draw();
  // The button goes with the failure; the keys should still be the player's.
  const retry = () => {
    surface.focus({ preventScroll: true });
    port.retry();
  };
  const notices = makeNotices(retry, signal);
  const overlay = statsOverlay(port, update, signal);
  const screen = fullscreen(host, frame, update, signal);
  const acts = actions({ port, head, screen, overlay, notices, changed: update });
  const poster = picture("poster", POSTER_WIDTH);
  const spinner = make("div", { class: "spinner", "aria-hidden": "true" });
  const start = make("button", { type: "button", class: "start", "aria-label": "Play" }, icon("play"));
  const controlBar = bar(acts, { head, screen, overlay });
  frame.append(poster.element, spinner, start, controlBar.element, overlay.element, notices.element);
  start.addEventListener("click", acts.playOrPause);
  controlBar.element.addEventListener("mousedown", (event) => keepFocus(event, surface));
  listenToKeys(isOurKey, acts, port, head.gestures, signal);
  const rest = idle(frame, () => port.state.playing && !controlBar.menuOpen && !controlBar.focused, signal);
  let dismisses = false;
  surface.addEventListener("pointerdown", () => (dismisses = controlBar.menuOpen), { signal });
  let finger = false;
  const tap = (byFinger: boolean) => {
    finger = byFinger;
    if (dismisses || !controls()) return;
    if (finger) rest.tap();
    else acts.playOrPause();
  };
  onTap(surface, tap, signal);
  surface.addEventListener("dblclick", () => controls() && !finger && acts.fullscreen(), { signal });

  let begun = false;
  let playing = false;
  const draw = () => {
    const { state } = port;
    begun ||= state.playing && state.shown;
    if (playing !== state.playing) rest.wake();
    playing = state.playing;
    poster.draw(state.shown ? null : state.poster);
    poster.element.classList.toggle("gone", state.shown);
    const waits = state.phase === "opening" || (state.playing && (state.stalled || !state.shown));
    show(spinner, waits && state.phase !== "failed");
    show(start, controls() && state.phase === "ready" && !state.playing && !begun);
    show(controlBar.element, controls() && state.phase !== "failed");
    setAttribute(surface, "aria-label", state.title === "" ? "Light field video" : `Light field video: ${state.title}`);
    controlBar.update(state);
    notices.update(state);
    keepFocusSeen(surface);
  };
  draw();
  const unsubscribe = port.subscribe(draw);
  signal.addEventListener("abort", unsubscribe);
  return draw;
}

// What had the focus may be hidden now, as the button that starts is.
function keepFocusSeen(surface: HTMLElement): void {
  const { activeElement } = surface.getRootNode() as ShadowRoot;
  if (activeElement?.closest("[hidden]")) surface.focus({ preventScroll: true });
}

// A button that was clicked must not take the next space for itself, nor keep the controls up: the focus stays where it
// was. Sliders have a use for it.
function keepFocus(event: MouseEvent, surface: HTMLElement): void {
  if (event.target instanceof Element && event.target.matches("input")) return;
  event.preventDefault();
  if ((surface.getRootNode() as ShadowRoot).activeElement === null) surface.focus({ preventScroll: true });
}
