import { expect, test } from "vitest";

import { readStick, type Stick } from "../../src/xr/stick.ts";

function pad(x: number, down = false): Pick<Gamepad, "axes" | "buttons"> {
  const button = (pressed: boolean): GamepadButton => ({ pressed, touched: pressed, value: Number(pressed) });
  return { axes: [0, 0, x, 0], buttons: [0, 1, 2, 3, 4].map((i) => button(i === 4 && down)) };
}

/** The steps that a row of readings asks for. */
function steps(...xs: number[]): number[] {
  let before: Stick | undefined;
  return xs.map((x) => {
    const { stick, step } = readStick(pad(x), before);
    before = stick;
    return step;
  });
}

test("a push is one step, and the next one needs the stick to come back", () => {
  expect(steps(0, 0.8, 1, 0.6, 0.9, 0.3, 0.8)).toEqual([0, 1, 0, 0, 0, 0, 1]);
  expect(steps(-0.8, -0.2, -0.71)).toEqual([-1, 0, -1]);
});

test("a press counts when it begins", () => {
  const first = readStick(pad(0, true));
  expect(first.pressed).toBe(true);
  expect(readStick(pad(0, true), first.stick).pressed).toBe(false);
});

test("hands without a controller ask for nothing", () => {
  expect(readStick(null)).toEqual({ stick: { pushed: false, down: false }, step: 0, pressed: false });
});
