/** What the panel in the headset says, and when. */

import type { Scene } from "three";

import { formatTime } from "../face/format_time.ts";
import { noteOf } from "../face/notices.ts";
import type { PlayerState } from "../play/port.ts";
import { Panel } from "./panel.ts";

export class HeadsetPanel {
  private readonly panel: Panel;

  constructor(scene: Scene) {
    this.panel = new Panel(scene);
  }

  /** The wearer did something: show where the show is. */
  call(): void {
    this.panel.call();
  }

  hide(): void {
    this.panel.hide();
  }

  update(seconds: number, frame: XRFrame, space: XRReferenceSpace | null, state: PlayerState): void {
    const head = space && frame.getViewerPose(space)?.transform.matrix;
    if (!head) return;
    const trouble = state.failure?.message ?? noteOf(state);
    const { title, time, duration } = state;
    const text = {
      message: trouble || (state.playing ? title : `${title} (paused)`),
      time: `${formatTime(time)} / ${formatTime(duration)}`,
      progress: duration > 0 ? time / duration : 0,
    };
    this.panel.update(seconds, head, text, trouble !== "");
  }

  release(): void {
    this.panel.release();
  }
}
