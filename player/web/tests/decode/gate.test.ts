import { expect, test } from "vitest";

import { mayDecode } from "../../src/decode/gate.ts";

test("no more is under way than may wait", () => {
  expect(mayDecode({ waiting: 0, inside: 3, queued: 3 })).toBe(true);
  expect(mayDecode({ waiting: 0, inside: 4, queued: 3 })).toBe(false);
  expect(mayDecode({ waiting: 2, inside: 1, queued: 0 })).toBe(true);
  expect(mayDecode({ waiting: 2, inside: 2, queued: 0 })).toBe(false);
  expect(mayDecode({ waiting: 4, inside: 0, queued: 0 })).toBe(false);
});

test("a decoder that keeps pictures back gets more, but not without end", () => {
  expect(mayDecode({ waiting: 0, inside: 4, queued: 0 })).toBe(true);
  expect(mayDecode({ waiting: 0, inside: 16, queued: 0 })).toBe(true);
  expect(mayDecode({ waiting: 0, inside: 17, queued: 0 })).toBe(false);
  expect(mayDecode({ waiting: 1, inside: 4, queued: 0 })).toBe(false);
});
