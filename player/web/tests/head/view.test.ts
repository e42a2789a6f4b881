import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ComfortBox } from "../../src/head/comfort.ts";
import { HeadControl } from "../../src/head/view.ts";

const BOX: ComfortBox = { low: [-0.5, -0.25, -0.5], high: [0.5, 0.25, 0.5] };
const FORWARD = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
let calm = false;

// A surface is all that the head needs of a page: something that is 800 pixels wide and tells events.
function head(): HeadControl {
  const surface = Object.assign(new EventTarget(), { clientWidth: 800 }) as unknown as HTMLElement;
  return new HeadControl(surface, { fov: () => Math.PI / 2, wheelTaken: () => true });
}

beforeEach(() => {
  calm = false;
  vi.stubGlobal("matchMedia", () => ({ matches: calm }));
  vi.stubGlobal("window", new EventTarget());
});
afterEach(() => vi.unstubAllGlobals());

test("it begins in the middle of the box and looks forward", () => {
  const control = head();
  expect([...control.step(0.02).pose]).toEqual(FORWARD);
  control.setBox({ low: [0, 0, -2], high: [1, 1, 0] });
  const view = control.step(0.02);
  expect([...view.pose.slice(12)]).toEqual([0.5, 0.5, -1, 1]);
  expect(view.fovScale).toBe(1);
});

test("a set head is exact at once, outside the box as well, and survives the box", () => {
  const control = head();
  const place = { position: [3, -0.0625, 0.375], yaw: 1.25, pitch: -0.5 } as const;
  control.gestures.down(1, "turn", 0, 0);
  control.gestures.move(1, 100, 0);
  control.step(0.02);
  control.gestures.move(1, 300, 0);
  control.gestures.up(1);
  control.gestures.wheel(5);
  control.set(place);
  control.setBox(BOX);
  expect([...control.step(0.02).pose.slice(12)]).toEqual([3, -0.0625, 0.375, 1]);
  expect(control.get()).toEqual(place);
});

test("the picture's middle stays under the pointer that drags it", () => {
  const control = head();
  control.gestures.down(1, "turn", 0, 0);
  control.gestures.move(1, 8, 4);
  control.step(0.02);
  // 800 pixels are two units of tangent: 8 pixels to the right look 0.02 to the left, 4 down look 0.01 up.
  expect(control.get().yaw).toBeCloseTo(-0.02, 12);
  expect(control.get().pitch).toBeCloseTo(0.01, 12);
});

test("let go, it glides on and comes to rest; not where motion is to be reduced", () => {
  for (calm of [false, true]) {
    const control = head();
    control.gestures.down(1, "turn", 0, 0);
    for (let x = 10; x <= 200; x += 10) {
      control.gestures.move(1, x, 0);
      control.step(0.02);
    }
    control.gestures.up(1);
    const released = control.get().yaw;
    expect(released).toBeCloseTo(-0.5, 12);
    for (let i = 0; i < 200; i++) control.step(0.02);
    // 500 pixels a second for a fifth of a second.
    expect(control.get().yaw).toBeCloseTo(calm ? released : released - 0.25, 2);
  }
});

test("held still before it is let go, it stays", () => {
  const control = head();
  control.gestures.down(1, "turn", 0, 0);
  control.gestures.move(1, 100, 0);
  for (let i = 0; i < 50; i++) control.step(0.02);
  control.gestures.up(1);
  for (let i = 0; i < 50; i++) control.step(0.02);
  expect(control.get().yaw).toBeCloseTo(-0.25, 6);
});

test("sliding moves against the drag, a box for a width", () => {
  const control = head();
  control.setBox(BOX);
  control.gestures.down(1, "slide", 0, 0);
  control.gestures.move(1, 200, 80);
  control.step(0.02);
  expect(control.get().position).toEqual([-0.25, 0.1, 0]);
});

test("a notch of the wheel moves forward, smoothly or at once", () => {
  for (calm of [false, true]) {
    const control = head();
    control.setBox(BOX);
    control.gestures.wheel(2);
    control.step(0.02);
    const [, , first] = control.get().position;
    expect(first).toBeCloseTo(calm ? -0.08 : -0.08 * (1 - Math.exp(-1 / 3)), 12);
    for (let i = 0; i < 100; i++) control.step(0.02);
    expect(control.get().position[2]).toBeCloseTo(-0.08, 6);
  }
});

test("zoom is bounded both ways", () => {
  const control = head();
  control.gestures.zoom(Math.LN2);
  expect(control.step(0.02).fovScale).toBeCloseTo(0.5, 12);
  control.gestures.zoom(9);
  expect(control.step(0.02).fovScale).toBe(0.25);
  control.gestures.zoom(-9);
  expect(control.step(0.02).fovScale).toBe(1.5);
});

test("recentred, it is where it began", () => {
  const control = head();
  control.setBox(BOX);
  control.set({ position: [0.1, 0.1, 0.1], yaw: 1, pitch: 0.5 });
  control.gestures.zoom(1);
  control.step(0.02);
  control.recentre();
  const view = control.step(0.02);
  expect([...view.pose].map((value) => value + 0)).toEqual(FORWARD);
  expect(view.fovScale).toBe(1);
});

test("disposed, it listens no longer", () => {
  const surface = Object.assign(new EventTarget(), { clientWidth: 800, setPointerCapture: () => {} });
  const control = new HeadControl(surface as unknown as HTMLElement, {
    fov: () => Math.PI / 2,
    wheelTaken: () => true,
  });
  const down = () =>
    surface.dispatchEvent(
      Object.assign(new Event("pointerdown"), {
        pointerId: 1,
        pointerType: "mouse",
        button: 0,
        clientX: 0,
        clientY: 0,
      }),
    );
  down();
  expect(control.gestures.take().turning).toBe(true);
  control.gestures.up(1);
  control.dispose();
  down();
  expect(control.gestures.take().turning).toBe(false);
});
