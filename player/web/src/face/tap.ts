/** A press that is no drag. */

const SLACK_PIXELS = 6;
const LONGEST_MS = 400;

/** Told of every short press of the main button or one finger that stays where it began. */
export function onTap(surface: HTMLElement, tapped: (finger: boolean) => void, signal: AbortSignal): void {
  const down = new Map<number, PointerEvent>();
  let alone = true;
  surface.addEventListener(
    "pointerdown",
    (event) => {
      alone = down.size === 0;
      down.set(event.pointerId, event);
    },
    { signal },
  );
  surface.addEventListener("pointercancel", (event) => down.delete(event.pointerId), { signal });
  surface.addEventListener(
    "pointerup",
    (event) => {
      const start = down.get(event.pointerId);
      down.delete(event.pointerId);
      if (start === undefined || !alone || event.button !== 0) return;
      const way = Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY);
      if (way < SLACK_PIXELS && event.timeStamp - start.timeStamp < LONGEST_MS) tapped(event.pointerType === "touch");
    },
    { signal },
  );
}
