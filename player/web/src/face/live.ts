/** Growing shows: whether what is seen is happening now, and the way back to it. */

import type { Actions } from "./actions.ts";
import { make, setAttribute, setText, show, type Part } from "./dom.ts";

export function live(actions: Actions): Part {
  const text = make("span");
  const element = make("button", { type: "button", class: "live", "aria-keyshortcuts": "l" }, text);
  element.addEventListener("click", actions.follow);
  return {
    element,
    update({ live: grows, behindS, following }) {
      show(element, grows);
      setAttribute(element, "data-following", following ? "" : null);
      setText(text, following ? "Live" : `Live \u2212${behindS.toFixed(behindS < 10 ? 1 : 0)} s`);
      setAttribute(element, "title", following ? `Live, ${behindS.toFixed(1)} s behind` : "Go to what is live (l)");
      setAttribute(element, "aria-label", following ? "Live" : "Go to what is live");
    },
  };
}
