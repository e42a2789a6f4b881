import { expect, test } from "vitest";
import type { Actions } from "../../src/face/actions.ts";
import { press } from "../../src/face/keys.ts";
import { openingState, PLAYING } from "./fake_player.ts";

/** What keys ask for, in a state. */
function asked(keys: readonly string[], again = false, change: object = {}): string[] {
  const said: string[] = [];
  const actions = new Proxy({} as Actions, {
    get: (_, name) => (value?: number | null) =>
      said.push(value === undefined ? String(name) : `${String(name)} ${value}`),
  });
  const state = { ...openingState(), ...PLAYING, ...change };
  for (const key of keys) press(key, again, actions, state);
  return said;
}

test("what each key does", () => {
  expect(asked([" ", "f", "r", "m", "s", "l", "v"])).toEqual([
    "playOrPause",
    "fullscreen",
    "recentre",
    "mute",
    "stats",
    "follow",
    "vr",
  ]);
  expect(asked(["ArrowLeft", "ArrowRight"])).toEqual(["skip -2", "skip 2"]);
  expect(asked(["0", "1", "9"])).toEqual(["fixRung null", "fixRung 0", "fixRung 8"]);
});

test("louder and quieter, from silence where it is muted", () => {
  expect(asked(["ArrowUp", "ArrowDown"], false, { volume: 0.5 })).toEqual(["volume 0.6", "volume 0.4"]);
  expect(asked(["ArrowUp"], false, { volume: 0.5, muted: true })).toEqual(["volume 0.1"]);
});

test("a key that is held seeks on, but toggles once", () => {
  expect(asked([" ", "m", "f"], true)).toEqual([]);
  expect(asked(["ArrowRight"], true)).toEqual(["skip 2"]);
});

test("other keys are for others", () => {
  const state = { ...openingState(), ...PLAYING };
  for (const key of ["q", "Tab", "Enter", "Escape", "F5", "constructor", "12"]) {
    expect(press(key, false, {} as Actions, state)).toBe(false);
  }
});
