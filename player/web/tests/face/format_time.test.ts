import { expect, test } from "vitest";
import { formatCount, formatRate, formatTime } from "../../src/face/format_time.ts";

test.each([
  [0, "0:00"],
  [12.999, "0:12"],
  [90, "1:30"],
  [3599.5, "59:59"],
  [3723, "1:02:03"],
  [36000, "10:00:00"],
  [-1, "0:00"],
  [NaN, "0:00"],
  [Infinity, "0:00"],
])("%f seconds are %s", (seconds, text) => expect(formatTime(seconds)).toBe(text));

test.each([
  [0, "0 kbit/s"],
  [849_600, "850 kbit/s"],
  [15e6, "15.0 Mbit/s"],
  [123.4e6, "123 Mbit/s"],
])("%f bits per second are %s", (rate, text) => expect(formatRate(rate)).toBe(text));

test.each([
  [0, "0"],
  [999, "999"],
  [182_344.4, "182\u202f344"],
  [1e7, "10\u202f000\u202f000"],
])("%f is %s", (count, text) => expect(formatCount(count)).toBe(text));
