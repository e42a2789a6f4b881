/** What a web server's answer to a range request means. */

import { expect, test } from "vitest";
import { StreamError } from "../../src/format/errors.ts";
import { parseAddress } from "../../src/source/address.ts";
import {
  type Answer,
  type Copy,
  checkFirst,
  checkRange,
  conditionOf,
  isSame,
  refusal,
} from "../../src/source/http_answer.ts";

const ADDRESS = parseAddress("http://h:81/dir/steak.lfv?token=hidden");
const KNOWN: Copy = { size: 1000, etag: '"tag"', modified: null };

function answer(status: number, headers: Record<string, string>): Answer {
  return { status, headers: new Headers(headers) };
}

const partial = (range: string, headers: Record<string, string> = {}): Answer =>
  answer(206, { "Content-Range": range, ...headers });

function thrown(run: () => unknown): StreamError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(StreamError);
    expect((error as StreamError).message).toContain("http://h:81/dir/steak.lfv");
    expect((error as StreamError).message).not.toContain("hidden");
    return error as StreamError;
  }
  throw new Error("nothing was refused");
}

test("the first answer tells how much there is", () => {
  const etag = '"a"';
  expect(checkFirst(ADDRESS, partial("bytes 0-99/1000", { etag }), 100)).toEqual({
    length: 100,
    copy: { size: 1000, etag, modified: null },
  });
  expect(checkFirst(ADDRESS, partial("bytes 0-9/10"), 100).length).toBe(10);
});

test.each<[Answer, string]>([
  [answer(200, {}), "ignores byte ranges; serve the show with nginx"],
  [answer(206, {}), "does not say which bytes"],
  [partial("bytes 0-99/*"), "does not say which bytes"],
  [partial("bytes */1000"), "does not say which bytes"],
  [partial("items 0-99/1000"), "does not say which bytes"],
  [partial(`bytes 0-99/${"9".repeat(5000)}`), "does not say which bytes"],
  [partial("bytes 0-99/99"), "answers bytes 0 to 99 of 99"],
  [partial("bytes 1-99/1000"), "answers bytes 1 to 99"],
  [partial("bytes 9-0/1000"), "answers bytes 9 to 0"],
  [partial("bytes 0-49/1000"), "answers bytes 0 to 49"],
  [partial("bytes 0-99/1000", { "Content-Length": "99" }), "contradicts itself"],
  [partial("bytes 0-99/1000", { "Content-Encoding": "gzip" }), "packs the show's bytes"],
  [answer(204, {}), "does not give the show (HTTP 204)"],
])("what is no range is refused for good (%#)", (bad, says) => {
  const error = thrown(() => checkFirst(ADDRESS, bad, 100));
  expect(error.message).toContain(says);
  expect(error.code).toBe("capability");
});

test("later answers bring the same copy", () => {
  checkRange(ADDRESS, partial("bytes 200-299/1000", { etag: '"tag"' }), KNOWN, 200, 100);
});

test.each<Answer>([
  partial("bytes 200-299/1001", { etag: '"tag"' }),
  partial("bytes 200-299/1000", { etag: '"new"' }),
  answer(200, { etag: '"new"', "content-length": "1000" }),
  answer(200, { etag: '"tag"', "content-length": "7" }),
  answer(416, { "content-range": "bytes */50" }),
  answer(412, {}),
])("another copy is noticed and may be tried again (%#)", (changed) => {
  const error = thrown(() => checkRange(ADDRESS, changed, KNOWN, 200, 100));
  expect(error.message).toContain("has changed on the server; open it again");
  expect(error.code).toBe("");
});

test("a server that ignores only later ranges is refused for good", () => {
  const whole = answer(200, { etag: '"tag"', "content-length": "1000" });
  expect(thrown(() => checkRange(ADDRESS, whole, KNOWN, 200, 100))).toMatchObject({ code: "capability" });
});

test("copies without tags are told apart by their dates", () => {
  const copy = (etag: string | null, modified: string, size = 5): Copy => ({ size, etag, modified });
  expect(isSame(copy(null, "Mon"), copy(null, "Mon"))).toBe(true);
  expect(isSame(copy(null, "Mon"), copy(null, "Tue"))).toBe(false);
  expect(isSame(copy('"a"', "Mon"), copy('"a"', "Tue"))).toBe(true);
  expect(isSame(copy('"a"', "Mon"), copy('"a"', "Mon", 6))).toBe(false);
});

test("only a strong tag makes a condition", () => {
  expect(['"a"', 'W/"a"', null].map((etag) => conditionOf({ size: 5, etag, modified: "Mon" }))).toEqual([
    '"a"',
    null,
    null,
  ]);
});

test.each([
  [401, "token"],
  [403, "token"],
  [404, "show"],
  [409, "live"],
  [410, "show"],
  [416, "show"],
  [418, "capability"],
])("HTTP %d is a refusal for good", (status, code) => {
  expect(refusal(ADDRESS, answer(status, {})).code).toBe(code);
});

test.each([408, 425, 429, 500, 502, 503, 504])("HTTP %d may be tried again", (status) => {
  expect(refusal(ADDRESS, answer(status, {})).code).toBe("");
});

test("the server's words are repeated without what terminals obey", () => {
  const said = refusal(ADDRESS, answer(404, { "content-type": "text/plain; charset=utf-8" }), "no \x1b[31mshow\nmore");
  expect(said.message).toMatch(/\(HTTP 404: no \?\[31mshow\)$/);
  expect(refusal(ADDRESS, answer(404, { "content-type": "text/html" }), "<html>").message).toMatch(/\(HTTP 404\)$/);
});
