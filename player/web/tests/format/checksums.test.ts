/** Checksums by the values that everybody knows. */

import { beforeAll, expect, test } from "vitest";
import { crc32 } from "../../src/format/crc32.ts";
import { digest, prepareDigest, sameBytes } from "../../src/format/digest.ts";

beforeAll(prepareDigest);

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

test("the CRC is that of zlib", () => {
  expect(crc32(text("123456789"))).toBe(0xcbf43926);
  expect(crc32(text("456789"), crc32(text("123")))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array())).toBe(0);
});

test("the digest is BLAKE2b of 16 bytes", () => {
  const hex = (data: Uint8Array) => Buffer.from(data).toString("hex");
  // hashlib.blake2b(b"abc", digest_size=16)
  expect(hex(digest(text("abc")))).toBe("cf4ab791c62b8d2b2109c90275287816");
  expect(hex(digest(text("a"), text(""), text("bc")))).toBe("cf4ab791c62b8d2b2109c90275287816");
  expect(hex(digest())).toBe("cae66941d9efbd404e4d88758ea67670");
});

test("bytes are compared", () => {
  expect(sameBytes(text("ab"), text("ab"))).toBe(true);
  expect(sameBytes(text("ab"), text("abc"))).toBe(false);
  expect(sameBytes(text("ab"), text("ac"))).toBe(false);
});
