/** The choice of a rung: what the network carries, or a fixed one. */

import type { PlayerState, RungChoice } from "../play/port.ts";
import type { Actions } from "./actions.ts";
import { icon } from "./icons.ts";
import { make, setAttribute, setText, show, type Part } from "./dom.ts";
import { formatRate } from "./format_time.ts";

export interface Menu extends Part {
  readonly open: boolean;
}

export function rungMenu(actions: Actions): Menu {
  const chosen = make("span", { class: "chosen" });
  const names = { "aria-label": "Quality", "aria-haspopup": "menu", "aria-expanded": "false" };
  const opener = make(
    "button",
    { type: "button", class: "button", title: "Quality", ...names },
    icon("quality"),
    chosen,
  );
  const list = make("div", { class: "menu", role: "menu", "aria-label": "Quality", hidden: "" });
  const element = make("div", { class: "rungs" }, opener, list);
  let state: PlayerState | null = null;
  let focusedBefore: HTMLElement | null = null;

  const items = () => [...list.querySelectorAll<HTMLElement>("[role=menuitemradio]")];
  const focused = () => items().findIndex((item) => item.matches(":focus"));
  const setOpen = (open: boolean) => {
    const { activeElement } = element.getRootNode() as ShadowRoot;
    if (open) focusedBefore = activeElement instanceof HTMLElement ? activeElement : opener;
    else if (list.contains(activeElement)) focusedBefore?.focus({ preventScroll: true });
    show(list, open);
    setAttribute(opener, "aria-expanded", String(open));
    draw();
    if (open) (items().find((item) => item.matches("[aria-checked=true]")) ?? items()[0])?.focus();
  };
  opener.addEventListener("click", () => setOpen(list.hidden));
  element.addEventListener("focusout", (event) => {
    if (!(event.relatedTarget instanceof Node) || !element.contains(event.relatedTarget)) show(list, false);
    setAttribute(opener, "aria-expanded", String(!list.hidden));
  });
  element.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const at = menuTarget(event.key, focused(), items().length);
    if (at !== null) items()[at].focus();
    else if (event.key === "Escape") setOpen(false);
    else return;
    event.preventDefault();
  });

  // Items are kept and changed: one that has the focus must not go away because the network changed the rung.
  const draw = () => {
    if (state === null || list.hidden) return;
    const { rungs, rung, fixedRung } = state;
    while (list.childElementCount > rungs.length + 1) list.lastElementChild?.remove();
    while (list.childElementCount < rungs.length + 1) list.append(item(list.childElementCount - 1));
    const [automatic, ...fixed] = items();
    fillItem(automatic, "Automatic", rung === null ? "" : `now ${rungs[rung]?.name}`, "", fixedRung === null);
    fixed.forEach((entry, i) => fillItem(entry, rungs[i].name, detail(rungs[i]), rungs[i].trouble, fixedRung === i));
  };
  const item = (at: number) => {
    const texts = [make("span", { class: "name" }), make("span", { class: "detail" })];
    const entry = make("button", { type: "button", role: "menuitemradio", tabindex: "-1" }, ...texts);
    entry.addEventListener("click", () => {
      if (entry.hasAttribute("aria-disabled")) return;
      setOpen(false);
      actions.fixRung(at < 0 ? null : at);
    });
    return entry;
  };

  return {
    element,
    get open() {
      return !list.hidden;
    },
    update(next) {
      state = next;
      show(element, next.rungs.length > 0);
      setText(chosen, next.fixedRung === null ? "Auto" : (next.rungs[next.fixedRung]?.name ?? ""));
      draw();
    },
  };
}

/** Which item a key leads to, null where it leads nowhere. */
export function menuTarget(key: string, at: number, count: number): number | null {
  if (count === 0) return null;
  if (key === "ArrowDown") return (at + 1) % count;
  if (key === "ArrowUp") return (Math.max(at, 0) + count - 1) % count;
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : null;
}

function fillItem(entry: HTMLElement, name: string, text: string, trouble: string, checked: boolean): void {
  const [first, second] = entry.children as HTMLCollectionOf<HTMLElement>;
  setText(first, name);
  setText(second, text);
  setAttribute(entry, "aria-checked", String(checked));
  setAttribute(entry, "aria-disabled", trouble === "" ? null : "true");
}

function detail({ width, height, bitsPerSecond, trouble }: RungChoice): string {
  return trouble === "" ? `${width} \u00d7 ${height}, ${formatRate(bitsPerSecond)}` : trouble;
}
