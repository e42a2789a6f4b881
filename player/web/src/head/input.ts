/** From the events of mouse, fingers and wheel on a surface to gestures. */

import type { Gestures, Grip } from "./gestures.ts";

const PIXELS_OF_A_NOTCH = 100;
const LINES_OF_A_NOTCH = 3;
const MOST_ZOOM_OF_AN_EVENT = 0.2;

/**
 * Listens until the signal aborts: the left button or one finger looks around, the right or middle one, or with the
 * shift key, or two fingers move; the wheel moves forward, with ctrl (which is how a touch pad pinches) it zooms.
 *
 * @param wheelTaken whether the wheel is for the player now; else the page around it scrolls.
 */
export function listenToHands(
  surface: HTMLElement,
  gestures: Gestures,
  wheelTaken: () => boolean,
  signal: AbortSignal,
): void {
  surface.addEventListener(
    "pointerdown",
    (event) => {
      surface.setPointerCapture(event.pointerId);
      gestures.down(event.pointerId, grip(event), event.clientX, event.clientY);
    },
    { signal },
  );
  surface.addEventListener("pointermove", (event) => gestures.move(event.pointerId, event.clientX, event.clientY), {
    signal,
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"] as const) {
    surface.addEventListener(end, (event) => gestures.up(event.pointerId), { signal });
  }
  surface.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  surface.addEventListener(
    "wheel",
    (event) => {
      if (!wheelTaken()) return;
      event.preventDefault();
      const forward = -notches(event);
      if (event.ctrlKey) gestures.zoom(Math.min(Math.max(forward, -MOST_ZOOM_OF_AN_EVENT), MOST_ZOOM_OF_AN_EVENT));
      else gestures.wheel(forward);
    },
    { signal, passive: false },
  );
}

function grip(event: PointerEvent): Grip {
  if (event.pointerType === "touch") return "finger";
  return event.button === 0 && !event.shiftKey ? "turn" : "slide";
}

function notches(event: WheelEvent): number {
  if (event.deltaMode === WheelEvent.DOM_DELTA_PIXEL) return event.deltaY / PIXELS_OF_A_NOTCH;
  return event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY / LINES_OF_A_NOTCH : event.deltaY;
}
