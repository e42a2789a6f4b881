import { expect, test } from "vitest";

import { SoundOutput } from "../../src/sound/output.ts";

const STRETCH = 4800; // 0.1 s

test("what is over is let go, also of sound that was never unmuted", () => {
  const sound = new SoundOutput();
  for (let i = 0; i < 50; i++) sound.add(i / 10, [new Float32Array(STRETCH)]);
  expect([sound.has(0.05), sound.has(4.95), sound.has(5.05)]).toEqual([true, true, false]);
  sound.pump(4);
  expect([sound.has(0.05), sound.has(2.85), sound.has(3.05), sound.has(4.95)]).toEqual([false, false, true, true]);
  sound.clear();
  expect(sound.has(4.95)).toBe(false);
  expect([sound.running, sound.time]).toEqual([false, null]);
});
