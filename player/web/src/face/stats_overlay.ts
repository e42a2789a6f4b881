/** Figures over the picture, for those who want to know how well it runs. */

import type { PlayerPort, PlayerState, Stats } from "../play/port.ts";
import { make } from "./dom.ts";
import { formatCount, formatRate, formatTime } from "./format_time.ts";

const EVERY_MS = 250;

export interface StatsOverlay {
  readonly element: HTMLElement;
  readonly open: boolean;
  toggle(): void;
}

/** @param changed told after it was opened or closed. */
export function statsOverlay(port: PlayerPort, changed: () => void, signal: AbortSignal): StatsOverlay {
  const table = make("dl");
  const element = make("section", { class: "stats", "aria-label": "Statistics", hidden: "" }, table);
  let timer: ReturnType<typeof setInterval> | null = null;
  const draw = () => {
    table.replaceChildren(
      ...figures(port.stats(), port.state).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]),
    );
  };
  const stop = () => {
    if (timer !== null) clearInterval(timer);
    timer = null;
  };
  signal.addEventListener("abort", stop);
  return {
    element,
    get open() {
      return timer !== null;
    },
    toggle() {
      const open = timer === null;
      stop();
      if (open) {
        draw();
        timer = setInterval(draw, EVERY_MS);
      }
      element.hidden = !open;
      port.measureOverdraw(open);
      changed();
    },
  };
}

/** What it says: names and values. */
export function figures(stats: Stats, state: PlayerState): readonly (readonly [string, string])[] {
  const unknown = "\u2013";
  const fixed = state.fixedRung === null ? "" : " (fixed)";
  const throughput = stats.throughput === null ? unknown : formatRate(stats.throughput);
  const { overdraw } = stats;
  return [
    ["Frame", `${stats.frame ?? unknown} at ${formatTime(state.time)}`],
    ["Quality", `${stats.rung || unknown}${fixed}, ${counted(stats.switches, "switch", "switches")}`],
    ["Network", `${throughput}, ${counted(stats.reconnects, "reconnect", "reconnects")}`],
    [
      "Buffer",
      `${stats.aheadS.toFixed(1)} s ahead, ${counted(stats.waiting, "frame", "frames")} wait, ${stats.mostHeld} held at most`,
    ],
    ["Frames", `${stats.decoded} decoded, ${stats.displayed} shown, ${stats.dropped} dropped`],
    ["Pictures", `${Math.round(stats.picturesPerSecond)} a second, ${stats.stalePoses} missed`],
    ["Drawing", `${counted(stats.draws, "call", "calls")}, ${formatCount(stats.triangles)} triangles`],
    ["Memory", `${(stats.textureBytes / 2 ** 20).toFixed(0)} MiB of textures`],
    ["Overdraw", overdraw === null ? unknown : `${overdraw.toFixed(1)} layers a pixel`],
    ...(state.live
      ? [["Live", `${state.behindS.toFixed(2)} s behind${state.following ? ", held" : ""}`] as const]
      : []),
  ];
}

function counted(count: number, one: string, many: string): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
