import { expect, test } from "vitest";
import { reporter } from "../../src/face/events.ts";
import type { PlayerState } from "../../src/play/port.ts";
import { openingState, PLAYING } from "./fake_player.ts";

/** What is told of states at times in milliseconds, call by call. */
function told(...calls: readonly (readonly [Partial<PlayerState>, number])[]): string[][] {
  let said: string[] = [];
  const report = reporter((event) => said.push(event.type));
  let state = openingState();
  return calls.map(([change, now]) => {
    said = [];
    state = { ...state, ...change };
    report(state, now);
    return said;
  });
}

test("ready once, and again after a failure", () => {
  const failed = { phase: "failed", failure: { message: "gone", retry: true, passing: false } } as const;
  expect(told([{}, 0], [PLAYING, 16], [{}, 32], [failed, 48], [{}, 64], [{ phase: "ready" }, 80])).toEqual([
    ["statechange", "timeupdate"],
    ["ready", "statechange"],
    [],
    ["statechange", "error"],
    [],
    ["ready", "statechange"],
  ]);
});

test("the time a few times a second, and where it stops", () => {
  expect(
    told([PLAYING, 0], [{ time: 13 }, 100], [{ time: 14 }, 250], [{}, 900], [{ time: 15, playing: false }, 950]),
  ).toEqual([["ready", "statechange", "timeupdate"], [], ["timeupdate"], [], ["statechange", "timeupdate"]]);
});

test("a state that is changed in place is told of as well", () => {
  const said: unknown[] = [];
  const report = reporter((event) => said.push(event.detail));
  const state = openingState();
  report(state, 0);
  state.muted = false;
  report(state, 1);
  expect(said.at(-1)).toMatchObject({ muted: false, phase: "opening" });
});
