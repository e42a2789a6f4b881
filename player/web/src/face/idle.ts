/** When the controls step aside: after a while without a hand on anything, and only where nobody misses them. */

const QUIET_MS = 3000;

export interface Idle {
  /** Shows the controls, for a while at least. */
  wake(): void;
  /** A tap of a finger brings them, and sends them away. */
  tap(): void;
}

/**
 * @param frame gets the class `idle` while they are aside.
 * @param mayHide asked after the while, and again until it may.
 */
export function idle(frame: HTMLElement, mayHide: () => boolean, signal: AbortSignal): Idle {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hide = () => {
    if (mayHide()) frame.classList.add("idle");
    else timer = setTimeout(hide, QUIET_MS);
  };
  const wake = () => {
    frame.classList.remove("idle");
    clearTimeout(timer);
    timer = setTimeout(hide, QUIET_MS);
  };
  for (const name of ["keydown", "wheel"]) frame.addEventListener(name, wake, { signal, passive: true });
  const focused = (event: FocusEvent) => event.target instanceof Element && event.target.matches(":focus-visible");
  frame.addEventListener("focusin", (event) => focused(event) && wake(), { signal });
  // A finger on the picture looks around; only its tap is for the controls.
  for (const name of ["pointermove", "pointerdown"]) {
    frame.addEventListener(
      name,
      (event) => {
        const finger = event instanceof PointerEvent && event.pointerType === "touch";
        if (!finger || !frame.classList.contains("idle")) wake();
      },
      { signal, passive: true },
    );
  }
  frame.addEventListener(
    "pointerleave",
    (event) => {
      if (event.pointerType === "touch") return;
      clearTimeout(timer);
      timer = setTimeout(hide, QUIET_MS / 4);
    },
    { signal },
  );
  signal.addEventListener("abort", () => clearTimeout(timer));
  wake();
  return {
    wake,
    tap() {
      if (frame.classList.contains("idle") || !mayHide()) wake();
      else frame.classList.add("idle");
    },
  };
}
