/** A button with an icon, a name for those who do not see it, and the key that does the same, if one does. */

import { make, setAttribute } from "./dom.ts";
import { icon, type IconName } from "./icons.ts";

export interface Button {
  readonly element: HTMLButtonElement;
  /** What it looks like and will do now. */
  become(name: IconName, label: string): void;
}

export function button(name: IconName, label: string, key: string | null, press: () => void): Button {
  const element = make("button", { type: "button", class: "button" });
  setAttribute(element, "aria-keyshortcuts", key);
  let shown: IconName | null = null;
  const become = (next: IconName, text: string) => {
    if (shown !== next) element.querySelector("svg")?.remove();
    if (shown !== next) element.prepend(icon(next));
    shown = next;
    setAttribute(element, "aria-label", text);
    setAttribute(element, "title", key === null ? text : `${text} (${key})`);
  };
  become(name, label);
  element.addEventListener("click", press);
  return { element, become };
}
