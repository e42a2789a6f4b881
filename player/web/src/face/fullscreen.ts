/** The whole screen for an element, or at least the whole window where the browser has no full screen (iPhones). */

interface OldHost extends HTMLElement {
  webkitRequestFullscreen?: () => void;
}

interface OldDocument extends Document {
  webkitExitFullscreen?: () => void;
}

export interface Fullscreen {
  readonly on: boolean;
  toggle(): void;
}

/**
 * @param frame filled over the window by its class `fills` where there is no full screen.
 * @param changed told whenever `on` has changed, by whom ever.
 */
export function fullscreen(host: OldHost, frame: HTMLElement, changed: () => void, signal: AbortSignal): Fullscreen {
  for (const name of ["fullscreenchange", "webkitfullscreenchange"]) {
    host.addEventListener(name, changed, { signal });
  }
  const fill = (on: boolean) => {
    frame.classList.toggle("fills", on);
    changed();
  };
  // Escape leaves a full screen by itself; a filled window should be left the same way.
  host.ownerDocument.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Escape" && frame.classList.contains("fills") && !event.defaultPrevented) fill(false);
    },
    { signal },
  );
  return {
    get on() {
      return isFullscreen(host) || frame.classList.contains("fills");
    },
    toggle() {
      const page: OldDocument = host.ownerDocument;
      if (isFullscreen(host)) void (page.exitFullscreen?.() ?? page.webkitExitFullscreen?.());
      else if (frame.classList.contains("fills")) fill(false);
      // An embedding frame may forbid it; then the frame is filled.
      else if (host.requestFullscreen) host.requestFullscreen().catch(() => fill(true));
      else if (host.webkitRequestFullscreen) host.webkitRequestFullscreen();
      else fill(true);
    },
  };
}

function isFullscreen(host: HTMLElement): boolean {
  return host.matches(CSS.supports("selector(:fullscreen)") ? ":fullscreen" : ":-webkit-full-screen");
}
