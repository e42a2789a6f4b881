/** Mute, and how loud. */

import type { Actions } from "./actions.ts";
import { button } from "./button.ts";
import { make, setAttribute, show, type Part } from "./dom.ts";

export function volume(actions: Actions): Part {
  const mute = button("loud", "Mute", "m", actions.mute);
  const names = { "aria-label": "Volume", min: "0", max: "100", step: "5" };
  const hint = make("span", { class: "hint" }, "Unmute");
  mute.element.append(hint);
  const slider = make("input", { type: "range", class: "loudness", ...names });
  slider.addEventListener("input", () => actions.volume(Number(slider.value) / 100));
  // The arrows are the slider's own while it has the focus.
  slider.addEventListener("keydown", (event) => {
    if (/^(Arrow|Page|Home|End)/.test(event.key)) event.stopPropagation();
  });
  const element = make("div", { class: "volume" }, mute.element, slider);
  let heard = false;
  let level = "";
  return {
    element,
    update({ sound, muted, volume: loudness }) {
      show(element, sound);
      // Who has never heard the show may not know that it sounds.
      heard ||= !muted;
      show(hint, !heard);
      const silent = muted || loudness === 0;
      mute.become(silent ? "muted" : "loud", muted ? "Unmute" : "Mute");
      const percent = String(silent ? 0 : Math.round(100 * loudness));
      if (slider.value === percent && level === percent) return;
      slider.value = level = percent;
      slider.style.setProperty("--level", `${percent}%`);
      setAttribute(slider, "aria-valuetext", silent ? "muted" : `${percent} %`);
    },
  };
}
