import { expect, test } from "vitest";
import { Gestures } from "../../src/head/gestures.ts";

test("nothing happened", () => {
  expect(new Gestures().take()).toEqual({
    turn: [0, 0],
    slide: [0, 0],
    wheel: 0,
    zoom: 0,
    keys: new Set(),
    turning: false,
  });
});

test("a drag turns, by what was not yet taken", () => {
  const gestures = new Gestures();
  gestures.move(1, 5, 5);
  gestures.down(1, "turn", 10, 20);
  gestures.move(1, 13, 21);
  gestures.move(1, 14, 25);
  expect(gestures.take()).toMatchObject({ turn: [4, 5], slide: [0, 0], turning: true });
  gestures.move(1, 15, 25);
  gestures.up(1);
  gestures.move(1, 99, 99);
  expect(gestures.take()).toMatchObject({ turn: [1, 0], turning: false });
});

test("the other button slides", () => {
  const gestures = new Gestures();
  gestures.down(1, "slide", 0, 0);
  gestures.move(1, -3, 4);
  expect(gestures.take()).toMatchObject({ turn: [0, 0], slide: [-3, 4], turning: false });
});

test("one finger turns, two slide together and pull apart", () => {
  const gestures = new Gestures();
  gestures.down(1, "finger", 0, 0);
  gestures.move(1, 2, 0);
  gestures.down(2, "finger", 12, 0);
  expect(gestures.take()).toMatchObject({ turn: [2, 0], turning: false });
  gestures.move(1, 2, 6);
  gestures.move(2, 12, 6);
  const together = gestures.take();
  expect(together).toMatchObject({ turn: [0, 0], slide: [0, 6] });
  expect(together.zoom).toBeCloseTo(0, 12);
  gestures.move(2, 22, 6);
  const apart = gestures.take();
  expect(apart.slide).toEqual([5, 0]);
  expect(apart.zoom).toBeCloseTo(Math.LN2, 12);
  gestures.up(1);
  gestures.move(2, 23, 6);
  expect(gestures.take()).toMatchObject({ turn: [1, 0], slide: [0, 0], zoom: 0, turning: true });
});

test("wheel and keys", () => {
  const gestures = new Gestures();
  gestures.wheel(1);
  gestures.wheel(0.5);
  gestures.zoom(0.1);
  gestures.hold("KeyW", "w");
  gestures.hold("KeyW", "w");
  gestures.hold("KeyE", "e");
  expect(gestures.take()).toMatchObject({ wheel: 1.5, zoom: 0.1, keys: new Set("we") });
  gestures.release("KeyW");
  expect(gestures.take()).toMatchObject({ wheel: 0, zoom: 0, keys: new Set("e") });
  gestures.releaseAll();
  expect(gestures.take().keys).toEqual(new Set());
});
