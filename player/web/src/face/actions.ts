/** What a person can do, whichever way: buttons, keys and taps all come here. */

import type { HeadControl } from "../head/view.ts";
import type { PlayerPort } from "../play/port.ts";
import type { Fullscreen } from "./fullscreen.ts";
import type { Notices } from "./notices.ts";
import type { StatsOverlay } from "./stats_overlay.ts";

export interface Actions {
  playOrPause(): void;
  /** Forward or back by seconds. */
  skip(seconds: number): void;
  seek(seconds: number): void;
  follow(): void;
  mute(): void;
  /** Sets the volume, 0 to 1; above 0 it is heard. */
  volume(volume: number): void;
  fixRung(rung: number | null): void;
  recentre(): void;
  stats(): void;
  vr(): void;
  fullscreen(): void;
  phone(): void;
}

export interface Acting {
  readonly port: PlayerPort;
  readonly head: HeadControl;
  readonly screen: Fullscreen;
  readonly overlay: StatsOverlay;
  readonly notices: Notices;
  /** Told after something changed that is not of the player's state. */
  readonly changed: () => void;
}

export function actions({ port, head, screen, overlay, notices, changed }: Acting): Actions {
  const say = (error: unknown) => notices.say(error instanceof Error ? error.message : String(error));
  return {
    playOrPause: () => (port.state.playing ? port.pause() : port.play()),
    skip: (seconds) => port.seek(Math.min(Math.max(port.state.time + seconds, 0), port.state.duration)),
    seek: (seconds) => port.seek(seconds),
    follow: () => {
      if (port.state.live) port.follow();
    },
    mute: () => {
      if (port.state.sound) port.setMuted(!port.state.muted);
    },
    volume: (volume) => {
      if (!port.state.sound) return;
      port.setVolume(Math.min(Math.max(volume, 0), 1));
      port.setMuted(volume <= 0);
    },
    fixRung: (rung) => {
      if (rung === null || port.state.rungs[rung]?.trouble === "") port.fixRung(rung);
    },
    recentre: () => {
      head.recentre();
      port.recentre();
    },
    stats: () => overlay.toggle(),
    vr: () => {
      if (port.state.vr === "presenting") port.leaveVr();
      else if (port.state.vr === "available") port.enterVr().catch(say);
    },
    fullscreen: () => screen.toggle(),
    phone: () => {
      if (!head.followsPhone) head.followPhone().catch(say).finally(changed);
      else head.leavePhone();
      changed();
    },
  };
}
