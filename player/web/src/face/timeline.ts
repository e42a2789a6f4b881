/** The timeline: what is here, what was played, and a small picture of where the pointer is. */

import type { PlayerState, Thumbnail } from "../play/port.ts";
import type { Actions } from "./actions.ts";
import { make, setAttribute, setText, type Part } from "./dom.ts";
import { formatTime } from "./format_time.ts";
import { picture } from "./picture.ts";

const STEP_S = 2;
const PAGE_S = 10;
// While it is dragged the show follows at most so often: every place that is passed costs a request.
const DRAG_SEEK_MS = 150;

const THUMBNAIL_WIDTH = 256;

export function timeline(actions: Actions): Part {
  const thumbnail = picture("thumbnail", THUMBNAIL_WIDTH);
  const previewTime = make("span");
  const preview = make("div", { class: "preview", hidden: "" }, thumbnail.element, previewTime);
  const played = make("div", { class: "played" });
  const knob = make("div", { class: "knob" });
  const track = make("div", { class: "track" }, played);
  const names = { role: "slider", tabindex: "0", "aria-label": "Time", "aria-valuemin": "0" };
  const element = make("div", { class: "timeline", ...names }, track, knob, preview);
  let state: PlayerState | null = null;
  let dragged: number | null = null;
  let soughtAt = 0;

  const place = (time: number) => {
    const share = state !== null && state.duration > 0 ? Math.min(Math.max(time / state.duration, 0), 1) : 0;
    played.style.transform = `scaleX(${share})`;
    knob.style.left = `${100 * share}%`;
  };
  const timeAt = (event: PointerEvent) => {
    const { left, width } = element.getBoundingClientRect();
    return (state?.duration ?? 0) * Math.min(Math.max((event.clientX - left) / Math.max(width, 1), 0), 1);
  };
  const showPreview = (time: number) => {
    if (state === null || state.duration <= 0) return;
    setText(previewTime, formatTime(time));
    thumbnail.draw(thumbnailAt(state.thumbnails, time)?.image ?? null);
    preview.hidden = false;
    const half = preview.offsetWidth / 2;
    const middle = (time / state.duration) * element.clientWidth;
    preview.style.left = `${Math.max(Math.min(middle, element.clientWidth - half), half)}px`;
  };
  const hidePreview = () => {
    if (dragged === null) preview.hidden = true;
  };
  const drag = (time: number, now: number) => {
    dragged = time;
    place(time);
    showPreview(time);
    if (now - soughtAt < DRAG_SEEK_MS) return;
    soughtAt = now;
    actions.seek(time);
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || state === null || state.duration <= 0) return;
    element.setPointerCapture(event.pointerId);
    drag(timeAt(event), event.timeStamp);
  });
  element.addEventListener("pointermove", (event) => {
    if (dragged !== null) drag(timeAt(event), event.timeStamp);
    else if (event.pointerType !== "touch") showPreview(timeAt(event));
  });
  element.addEventListener("lostpointercapture", () => {
    if (dragged !== null) actions.seek(dragged);
    dragged = null;
    hidePreview();
  });
  element.addEventListener("pointerleave", hidePreview);
  element.addEventListener("focus", () => {
    if (state !== null && element.matches(":focus-visible")) showPreview(state.time);
  });
  element.addEventListener("blur", hidePreview);
  element.addEventListener("keydown", (event) => {
    if (state === null || event.ctrlKey || event.altKey || event.metaKey) return;
    const time = keyTarget(event.key, state);
    if (time === null) return;
    event.preventDefault();
    if (event.key === "End" && state.live) actions.follow();
    else actions.seek(time);
    showPreview(time);
  });

  return {
    element,
    update(next) {
      state = next;
      if (dragged === null) place(next.time);
      const ranges = bufferedGradient(next.buffered, next.duration);
      if (track.style.backgroundImage !== ranges) track.style.backgroundImage = ranges;
      setAttribute(element, "aria-disabled", next.duration > 0 ? null : "true");
      setAttribute(element, "aria-valuemax", String(Math.floor(next.duration)));
      setAttribute(element, "aria-valuenow", String(Math.floor(next.time)));
      setAttribute(element, "aria-valuetext", `${formatTime(next.time)} of ${formatTime(next.duration)}`);
    },
  };
}

/** Where a key on the timeline leads, null where it is no key of it. */
export function keyTarget(key: string, { time, duration }: { time: number; duration: number }): number | null {
  const steps: Record<string, number> = {
    ArrowLeft: -STEP_S,
    ArrowDown: -STEP_S,
    ArrowRight: STEP_S,
    ArrowUp: STEP_S,
    PageDown: -PAGE_S,
    PageUp: PAGE_S,
    Home: -Infinity,
    End: Infinity,
  };
  return key in steps ? Math.min(Math.max(time + steps[key], 0), duration) : null;
}

/** The nearest one not later; before the first one, that one. They are in order of time. */
export function thumbnailAt(thumbnails: readonly Thumbnail[], time: number): Thumbnail | null {
  const later = thumbnails.findIndex((thumbnail) => thumbnail.time > time);
  return thumbnails.at(later < 0 ? -1 : Math.max(later - 1, 0)) ?? null;
}

/** The ranges of seconds that are here, as a background of the track. */
export function bufferedGradient(ranges: readonly (readonly [number, number])[], duration: number): string {
  if (duration <= 0 || ranges.length === 0) return "none";
  const percent = (seconds: number) =>
    `${Math.round((1000 * Math.min(Math.max(seconds, 0), duration)) / duration) / 10}%`;
  const stops = ranges.flatMap(([from, to]) => [
    `transparent ${percent(from)}`,
    `var(--here) ${percent(from)}`,
    `var(--here) ${percent(to)}`,
    `transparent ${percent(to)}`,
  ]);
  return `linear-gradient(to right, ${stops.join(", ")})`;
}
