import { expect, test } from "vitest";
import { beginning, deviceTurn, heading, since, type Reading } from "../../src/head/orientation.ts";
import { about, columns, product, type Quaternion } from "../../src/head/quaternion.ts";

/** Where the eye looks. */
function gaze(turn: Quaternion): readonly number[] {
  return columns(turn)[2].map((value) => -value);
}

function expectNear(got: readonly number[], wanted: readonly number[]): void {
  wanted.forEach((value, i) => expect(got[i]).toBeCloseTo(value, 12));
}

test("a product turns by the last first", () => {
  const turn = product(about("y", Math.PI / 2), about("x", Math.PI / 2));
  expectNear(columns(turn)[0], [0, 0, -1]);
  expectNear(columns(turn)[1], [1, 0, 0]);
  expectNear(columns(turn)[2], [0, -1, 0]);
});

test.each([
  ["upright, north", { alpha: 0, beta: 90, gamma: 0 }, 0, [0, 0, -1]],
  ["upright, west: alpha counts anticlockwise", { alpha: 90, beta: 90, gamma: 0 }, 0, [-1, 0, 0]],
  ["flat on a table: down", { alpha: 0, beta: 0, gamma: 0 }, 0, [0, -1, 0]],
  ["tilted back: up", { alpha: 0, beta: 120, gamma: 0 }, 0, [0, 0.5, -Math.sqrt(3) / 2]],
  ["landscape, its left side down", { alpha: 0, beta: 0, gamma: -90 }, 90, [1, 0, 0]],
] as [string, Reading, number, number[]][])("%s", (_, reading, screenAngle, wanted) => {
  expectNear(gaze(deviceTurn(reading, screenAngle)), wanted);
});

test("in landscape the eye's top is the world's", () => {
  expectNear(columns(deviceTurn({ alpha: 0, beta: 0, gamma: -90 }, 90))[1], [0, 1, 0]);
});

test("the beginning is forward, however the phone was held", () => {
  for (const beta of [0, 40, 90, 130]) {
    const turn = deviceTurn({ alpha: 200, beta, gamma: 0 }, 0);
    expectNear(columns(since(beginning(turn), turn)).flat(), [1, 0, 0, 0, 1, 0, 0, 0, 1]);
  }
});

test("turning about the vertical is yaw alone, from a tilted phone as well", () => {
  const start = beginning(deviceTurn({ alpha: 30, beta: 50, gamma: 0 }, 0));
  const turn = since(start, deviceTurn({ alpha: 10, beta: 50, gamma: 0 }, 0));
  expectNear(turn, about("y", (-20 / 180) * Math.PI));
  expect(heading(turn)).toBeCloseTo((20 / 180) * Math.PI, 12);
});

test("tilting is pitch alone", () => {
  const start = beginning(deviceTurn({ alpha: 30, beta: 50, gamma: 0 }, 0));
  expectNear(since(start, deviceTurn({ alpha: 30, beta: 75, gamma: 0 }, 0)), about("x", (25 / 180) * Math.PI));
});
