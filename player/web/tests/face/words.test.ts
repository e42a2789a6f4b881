import { expect, test } from "vitest";
import { menuTarget } from "../../src/face/menu.ts";
import { noteOf, sentence } from "../../src/face/notices.ts";
import { figures } from "../../src/face/stats_overlay.ts";
import { openingState, PLAYING, STATS } from "./fake_player.ts";

const STATE = { ...openingState(), ...PLAYING };

test("what is worth a note", () => {
  expect(noteOf(openingState())).toBe("Opening the show");
  expect(noteOf(STATE)).toBe("");
  expect(noteOf({ ...STATE, stalled: true })).toBe("Waiting for the network");
  expect(noteOf({ ...STATE, stalled: true, playing: false })).toBe("");
  expect(noteOf({ ...STATE, stalled: true, connected: false })).toBe("The connection is lost; connecting again");
  expect(noteOf({ ...STATE, phase: "failed", connected: false })).toBe("");
});

test("a failure is a sentence, but addresses stay as they are", () => {
  expect(sentence("this browser is too old; update it")).toBe("This browser is too old; update it");
  expect(sentence("http://host/show.lfv cannot be reached")).toBe("http://host/show.lfv cannot be reached");
});

test("figures of a show that plays", () => {
  expect(Object.fromEntries(figures(STATS, STATE))).toEqual({
    Frame: "372 at 0:12",
    Quality: "medium, 2 switches",
    Network: "41.3 Mbit/s, 1 reconnect",
    Buffer: "18.6 s ahead, 5 frames wait, 7 held at most",
    Frames: "377 decoded, 370 shown, 2 dropped",
    Pictures: "60 a second, 1 missed",
    Drawing: "16 calls, 182\u202f344 triangles",
    Memory: "96 MiB of textures",
    Overdraw: "3.4 layers a pixel",
  });
});

test("figures before anything is known, of a live show at a fixed rung", () => {
  const stats = { ...STATS, frame: null, rung: "", throughput: null, overdraw: null };
  const state = { ...STATE, fixedRung: 0, live: true, behindS: 1.25, following: true };
  expect(Object.fromEntries(figures(stats, state))).toMatchObject({
    Frame: "\u2013 at 0:12",
    Quality: "\u2013 (fixed), 2 switches",
    Network: "\u2013, 1 reconnect",
    Overdraw: "\u2013",
    Live: "1.25 s behind, held",
  });
});

test("keys in a menu go round", () => {
  expect(menuTarget("ArrowDown", 2, 3)).toBe(0);
  expect(menuTarget("ArrowDown", -1, 3)).toBe(0);
  expect(menuTarget("ArrowUp", 0, 3)).toBe(2);
  expect(menuTarget("Home", 2, 3)).toBe(0);
  expect(menuTarget("End", 0, 3)).toBe(2);
  expect(menuTarget("a", 0, 3)).toBeNull();
  expect(menuTarget("End", 0, 0)).toBeNull();
});
