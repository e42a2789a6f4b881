/** A controller's stick and button, as steps and presses. WebXR Gamepads Module, "xr-standard" mapping. */

const STICK_X = 2;
const TOUCHPAD_X = 0;
const LOWER_BUTTON = 4; // A or X
/** Beyond this the stick asks for something; back inside of the lesser it may ask again. */
const ASKS = 0.7;
const RESTS = 0.4;

export interface Stick {
  readonly pushed: boolean;
  readonly down: boolean;
}

export interface StickReading {
  readonly stick: Stick;
  readonly step: -1 | 0 | 1;
  readonly pressed: boolean;
}

export function readStick(gamepad: Pick<Gamepad, "axes" | "buttons"> | null, before?: Stick): StickReading {
  const x = gamepad?.axes[STICK_X] ?? gamepad?.axes[TOUCHPAD_X] ?? 0;
  const was = before?.pushed ?? false;
  const pushed = Math.abs(x) > (was ? RESTS : ASKS);
  const down = gamepad?.buttons[LOWER_BUTTON]?.pressed ?? false;
  return {
    stick: { pushed, down },
    step: pushed && !was ? (x > 0 ? 1 : -1) : 0,
    pressed: down && !(before?.down ?? false),
  };
}
