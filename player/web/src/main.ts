/** The module that a page loads: it defines `<lfv-player>`. */

import { LfvPlayerElement } from "./face/element.ts";
import { createPlayer } from "./play/player.ts";

LfvPlayerElement.createPlayer = createPlayer;
if (customElements.get("lfv-player") === undefined) customElements.define("lfv-player", LfvPlayerElement);

declare global {
  interface HTMLElementTagNameMap {
    "lfv-player": LfvPlayerElement;
  }
}

export { LfvPlayerElement };
