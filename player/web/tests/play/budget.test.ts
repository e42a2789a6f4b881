import { expect, test } from "vitest";

import type { Manifest, Rung } from "../../src/format/manifest.ts";
import { fitsHeadset, headsetRungs } from "../../src/play/budget.ts";

const FITS = { coverageMean: 4, coverageP99: 6, triangles: 1_000_000, draws: 100 };

function rung(cost: Rung["cost"], width = 100): Rung {
  return { cost, width, height: width } as Rung;
}

function chosen(...rungs: Rung[]): number[] {
  return headsetRungs({ rungs } as unknown as Manifest, rungs.map((_, i) => i)); // prettier-ignore
}

test("a rung fits where none of the four is exceeded", () => {
  expect(fitsHeadset(rung(FITS))).toBe(true);
  expect(fitsHeadset(rung({ ...FITS, coverageMean: 4.001 }))).toBe(false);
  expect(fitsHeadset(rung({ ...FITS, coverageP99: 6.001 }))).toBe(false);
  expect(fitsHeadset(rung({ ...FITS, triangles: 1_000_001 }))).toBe(false);
  expect(fitsHeadset(rung({ ...FITS, draws: 101 }))).toBe(false);
  expect(fitsHeadset(rung(null))).toBe(false);
});

test("a headset takes what fits, else what blends least, else the smallest picture", () => {
  const heavy = { ...FITS, coverageMean: 9 };
  expect(chosen(rung(heavy), rung(FITS), rung(FITS))).toEqual([1, 2]);
  expect(chosen(rung(heavy), rung({ ...heavy, coverageMean: 8 }), rung(null, 10))).toEqual([1]);
  expect(chosen(rung(null, 50), rung(null, 20), rung(null, 30))).toEqual([1]);
  expect(headsetRungs({ rungs: [] } as unknown as Manifest, [])).toEqual([]);
});
