/** The whole screen for an element, or at least the whole window where the browser has no full screen (iPhones). */

export interface Fullscreen {
  readonly on: boolean;
  toggle(): void;
}

/**
 * @param frame filled over the window by its class `fills` where there is no full screen.
 * @param changed told whenever `on` has changed, by whom ever.
 */
export function fullscreen(
  host: HTMLElement,
  frame: HTMLElement,
  changed: () => void,
  signal: AbortSignal,
): Fullscreen {
  const page = host.ownerDocument;
  const isFilled = () => frame.classList.contains("fills");
  const fill = (on: boolean) => {
    frame.classList.toggle("fills", on);
    changed();
  };
  host.addEventListener("fullscreenchange", changed, { signal });
  // Escape leaves a full screen by itself; a filled window should be left the same way.
  const leave = (event: KeyboardEvent) => {
    if (event.key === "Escape" && isFilled() && !event.defaultPrevented) fill(false);
  };
  page.addEventListener("keydown", leave, { signal });
  return {
    get on() {
      return host.matches(":fullscreen") || isFilled();
    },
    toggle() {
      if (host.matches(":fullscreen")) void page.exitFullscreen();
      else if (isFilled()) fill(false);
      // A page may forbid it to the frames it embeds; then the frame is filled.
      else if ("requestFullscreen" in host) host.requestFullscreen().catch(() => fill(true));
      else fill(true);
    },
  };
}
