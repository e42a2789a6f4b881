/** What must be said in words: failures, and what is being waited for. */

import type { PlayerState } from "../play/port.ts";
import { make, setText, show, type Part } from "./dom.ts";
import { icon } from "./icons.ts";

// What passes sooner is not worth words.
const PATIENCE_MS = 1200;
const SAID_MS = 6000;

export interface Notices extends Part {
  /** Says something once; it goes away by itself. */
  say(text: string): void;
}

export function notices(retry: () => void, signal: AbortSignal): Notices {
  const note = make("p", { class: "note", role: "status", "aria-live": "polite" });
  const message = make("p");
  const again = make("button", { type: "button", class: "retry" }, "Retry");
  again.addEventListener("click", retry);
  const alert = make("div", { class: "failure", role: "alert", hidden: "" });
  const element = make("div", { class: "notices" }, note, alert);
  let standing = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  const later = (text: string, delay: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => setText(note, text), delay);
  };
  signal.addEventListener("abort", () => clearTimeout(timer));

  const fail = (text: string | null) => {
    // Alerts are read out when their text comes in, so it comes with the panel.
    if (text === null) alert.replaceChildren();
    else if (message.textContent !== text || alert.hidden) {
      message.textContent = text;
      alert.replaceChildren(icon("alert"), message, again);
    }
    show(alert, text !== null);
  };
  return {
    element,
    say(text) {
      setText(note, text);
      later(standing, SAID_MS);
    },
    update(state) {
      fail(state.phase === "failed" ? sentence(state.failure?.message ?? "the show cannot be played") : null);
      show(again, state.failure?.retry ?? false);
      const text = noteOf(state);
      if (text === standing) return;
      standing = text;
      later(text, text === "" ? 0 : PATIENCE_MS);
    },
  };
}

/** What is worth saying about a state; empty where all is well. */
export function noteOf({ phase, connected, trouble, playing, stalled, live }: PlayerState): string {
  if (phase === "failed") return "";
  if (phase === "opening") return "Opening the show";
  if (!connected) return `The connection is lost; connecting again${trouble && ` (${trouble})`}`;
  if (!playing || !stalled) return "";
  if (trouble) return `Waiting for the network (${trouble})`;
  return live ? "Waiting for the show to go on" : "Waiting for the network";
}

/** As people write it: a capital at the start, unless that is an address. */
export function sentence(message: string): string {
  return /^\w+:\/\//.test(message) ? message : message.charAt(0).toUpperCase() + message.slice(1);
}
