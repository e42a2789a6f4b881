/** What a web server's answer to a range request means. No socket here. SPEC section 8.11. */

import { StreamError } from "../format/errors.ts";
import { printable } from "../format/fields.ts";
import type { Address } from "./address.ts";
import * as failures from "./failures.ts";

const CONTENT_RANGE = /^bytes[ \t]+(\d{1,19})-(\d{1,19})\/(\d{1,19})$/i;
const WORDS = 200; // of the server's own are repeated

/** Status and headers, as far as the browser shows them: of other origins, only what the server exposes. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
}

/** What tells one state of the file on the server from another. */
export interface Copy {
  readonly size: number;
  readonly etag: string | null;
  readonly modified: string | null;
}

/** For If-Range; a weak tag promises no equal bytes. */
export function conditionOf(copy: Copy): string | null {
  return copy.etag === null || copy.etag.startsWith("W/") ? null : copy.etag;
}

/** By the tags, where both have one; else by the dates. Machines of a CDN may differ in the latter. */
export function isSame(a: Copy, b: Copy): boolean {
  if (a.size !== b.size) return false;
  return a.etag !== null && b.etag !== null ? a.etag === b.etag : a.modified === b.modified;
}

/** The answer to the file's first `length` bytes -> how many come, and the copy. Throws StreamError. */
export function checkFirst(address: Address, answer: Answer, length: number): { length: number; copy: Copy } {
  const { last, copy } = readRange(address, answer, 0);
  if (last !== Math.min(length, copy.size) - 1) {
    throw refused(address, answer, `answers bytes 0 to ${last}, not those that were asked for`);
  }
  return { length: last + 1, copy };
}

/** The answer brings exactly these bytes of the known copy. Throws StreamError. */
export function checkRange(address: Address, answer: Answer, known: Copy, start: number, length: number): void {
  const { status, headers } = answer;
  if (status === 200 || status === 412 || status === 416) {
    const same = (headers.get("etag") ?? known.etag) === known.etag;
    if (status === 200 && same && headers.get("content-length") === String(known.size)) throw ignored(address, answer);
    throw changed(address);
  }
  const { last, copy } = readRange(address, answer, start);
  if (!isSame(copy, known)) throw changed(address);
  if (last !== start + length - 1) {
    throw refused(address, answer, `answers bytes ${start} to ${last}, not those that were asked for`);
  }
}

/** The error for an answer that brings no bytes; `body` is what the server says to it. */
export function refusal(address: Address, answer: Answer, body = ""): StreamError {
  const { status, headers } = answer;
  const words = wordsOf(headers.get("content-type") ?? "", body);
  if (failures.RETRYABLE.includes(status)) return new StreamError(`${address.text} is busy (HTTP ${status}${words})`);
  const known = failures.REFUSALS.get(status);
  if (known !== undefined) return new StreamError(`${address.text} ${known[1]} (HTTP ${status}${words})`, known[0]);
  if (status === 416) return new StreamError(`${address.text} is empty (HTTP 416)`, "show");
  return refused(address, answer, "does not give the show", words);
}

/** A 206 of one range from `start` on -> its last byte, and the copy. */
function readRange(address: Address, answer: Answer, start: number): { last: number; copy: Copy } {
  const { status, headers } = answer;
  if (status === 200) throw ignored(address, answer);
  if (status !== 206) throw refusal(address, answer);
  if ((headers.get("content-encoding") ?? "identity").toLowerCase() !== "identity") {
    throw refused(address, answer, "packs the show's bytes; switch compression of .lfv files off there");
  }
  const match = CONTENT_RANGE.exec((headers.get("content-range") ?? "").trim());
  if (match === null) {
    const mend = "let it expose Content-Range and ETag to pages of other origins (Access-Control-Expose-Headers)";
    throw refused(address, answer, `does not say which bytes it sends and how many there are; ${mend}`);
  }
  const [first, last, size] = match.slice(1).map(Number);
  if (first !== start || first > last || last >= size) {
    throw refused(address, answer, `answers bytes ${first} to ${last} of ${size}, not those that were asked for`);
  }
  if (Number(headers.get("content-length") ?? last - first + 1) !== last - first + 1) {
    throw refused(address, answer, "contradicts itself about how many bytes it sends");
  }
  return { last, copy: { size, etag: headers.get("etag"), modified: headers.get("last-modified") } };
}

function ignored(address: Address, answer: Answer): StreamError {
  return refused(address, answer, "ignores byte ranges; serve the show with nginx, a CDN or 'lfv serve'");
}

function changed(address: Address): StreamError {
  return new StreamError(`${address.text} has changed on the server; open it again`);
}

function refused(address: Address, answer: Answer, reason: string, words = ""): StreamError {
  return new StreamError(`${address.text} ${reason} (HTTP ${answer.status}${words})`, failures.CAPABILITY);
}

/** What a server says in a line of plain text, for the end of an error: it knows best why it refuses. */
function wordsOf(contentType: string, body: string): string {
  if (!contentType.startsWith("text/plain")) return "";
  const line = printable(body.trim().split("\n", 1)[0]).slice(0, WORDS);
  return line && `: ${line}`;
}
