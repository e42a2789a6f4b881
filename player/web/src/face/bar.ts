/** The controls: the show's name and the view above, time and sound and the rest below. */

import { HeadControl } from "../head/view.ts";
import type { PlayerState } from "../play/port.ts";
import type { Acting, Actions } from "./actions.ts";
import { button } from "./button.ts";
import { make, setAttribute, setText, show, type Part } from "./dom.ts";
import { formatTime } from "./format_time.ts";
import { live } from "./live.ts";
import { rungMenu } from "./menu.ts";
import { timeline } from "./timeline.ts";
import { volume } from "./volume.ts";

export interface Bar extends Part {
  readonly menuOpen: boolean;
  /** The keyboard is in the controls. */
  readonly focused: boolean;
}

export function bar(actions: Actions, { head, screen, overlay }: Pick<Acting, "head" | "screen" | "overlay">): Bar {
  const play = button("play", "Play", "Space", actions.playOrPause);
  const time = make("span", { class: "time" });
  const menu = rungMenu(actions);
  const vr = button("headset", "Enter VR", "v", actions.vr);
  const vrText = make("span");
  vr.element.classList.add("vr");
  vr.element.append(vrText);
  const full = button("fill", "Full screen", "f", actions.fullscreen);
  const title = make("span", { class: "title" });
  const stats = button("stats", "Statistics", "s", actions.stats);
  const phone = button("phone", "Look around by turning the phone", null, actions.phone);
  const centre = button("recentre", "Recentre", "r", actions.recentre);
  const followers: readonly Part[] = [timeline(actions), volume(actions), live(actions), menu];
  const [line, loud, edge] = followers.map((part) => part.element);

  show(phone.element, HeadControl.phoneAvailable);
  const top = make("div", { class: "top" }, title, stats.element, phone.element, centre.element);
  const row = make("div", { class: "row" }, play.element, loud, time, edge, make("span", { class: "gap" }));
  row.append(menu.element, vr.element, full.element);
  const bottom = make("div", { class: "bottom" }, line, row);
  const element = make("div", { class: "controls", role: "group", "aria-label": "Controls" }, bottom, top);

  return {
    element,
    get menuOpen() {
      return menu.open;
    },
    get focused() {
      return element.querySelector(":focus-visible") !== null;
    },
    update(state: PlayerState) {
      for (const part of followers) part.update(state);
      play.become(state.playing ? "pause" : "play", state.playing ? "Pause" : "Play");
      setText(time, state.live ? formatTime(state.time) : `${formatTime(state.time)} / ${formatTime(state.duration)}`);
      setAttribute(time, "data-live", state.live ? "" : null);
      setText(title, state.title);
      const presenting = state.vr === "presenting";
      show(vr.element, state.vr !== "unavailable");
      vr.become("headset", presenting ? "Leave VR" : "Enter VR");
      setText(vrText, presenting ? "Leave VR" : "Enter VR");
      vr.element.disabled = state.vr === "entering";
      full.become(screen.on ? "shrink" : "fill", screen.on ? "Leave full screen" : "Full screen");
      setAttribute(stats.element, "aria-pressed", String(overlay.open));
      setAttribute(phone.element, "aria-pressed", String(head.followsPhone));
    },
  };
}
