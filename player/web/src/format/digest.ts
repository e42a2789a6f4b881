/** BLAKE2b with 16 bytes of output (SPEC 1.2). Its WebAssembly is made once; then it answers at once. */

import { type IHasher, createBLAKE2b } from "hash-wasm";
import { UsageError } from "./errors.ts";
import { DIGEST_BYTES } from "./schema.ts";

let hasher: IHasher | null = null;

/** Must have come to its end before `digest` is called. Rejects with UsageError where the page forbids WebAssembly. */
export async function prepareDigest(): Promise<void> {
  try {
    hasher ??= await createBLAKE2b(8 * DIGEST_BYTES);
  } catch (cause) {
    const mend = "let its Content-Security-Policy have 'wasm-unsafe-eval' in script-src";
    throw new UsageError(`this page does not let the player check what comes, with WebAssembly; ${mend}`, { cause });
  }
}

/** The digest of the parts, one behind the other. */
export function digest(...parts: readonly Uint8Array[]): Uint8Array {
  if (hasher === null) throw new Error("prepareDigest has not come to its end");
  hasher.init();
  for (const part of parts) hasher.update(part);
  return hasher.digest("binary");
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
