/**
 * Integer arrays out of the bytes that shrink well: byte planes, zigzag, modular differences. SPEC section 6.2.
 *
 * Each is one pass; all arithmetic is modulo the word.
 */

/** The inverse of zigzag for words of up to 32 bits, as a signed number: 0, 1, 2, 3 ... become 0, -1, 1, -2 ... */
export function unzigzag(word: number): number {
  return (word >>> 1) ^ -(word & 1);
}

/**
 * planes(differences) of u16 (N, columns) -> the words.
 *
 * @param data exactly 2 N columns bytes.
 */
export function running16(data: Uint8Array, columns: number): Uint16Array {
  const count = data.length >> 1;
  const out = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    const before = i < columns ? 0 : out[i - columns];
    out[i] = before + unzigzag(data[i] | (data[count + i] << 8));
  }
  return out;
}

/**
 * planes(zigzag) of u16 (frames, count), each minus the one of the frame before -> the words.
 *
 * @param data exactly 2 frames count bytes.
 * @param first (count) the words of the frame before.
 */
export function tracks16(data: Uint8Array, first: Uint16Array): Uint16Array {
  const total = data.length >> 1;
  const count = first.length;
  const out = new Uint16Array(total);
  for (let i = 0; i < total; i++) {
    const before = i < count ? first[i] : out[i - count];
    out[i] = before + unzigzag(data[i] | (data[total + i] << 8));
  }
  return out;
}

/**
 * planes(zigzag) of u32 (M, 3): first corner minus that of the row before, second minus first, third minus second -> the
 * corners.
 *
 * @param data exactly 12 M bytes.
 */
export function corners32(data: Uint8Array): Uint32Array {
  const count = data.length >> 2;
  const out = new Uint32Array(count);
  let first = 0;
  const difference = (i: number) =>
    unzigzag(data[i] | (data[count + i] << 8) | (data[2 * count + i] << 16) | (data[3 * count + i] << 24));
  for (let i = 0; i < count; i += 3) {
    first = (first + difference(i)) | 0;
    const second = (first + difference(i + 1)) | 0;
    out[i] = first;
    out[i + 1] = second;
    out[i + 2] = second + difference(i + 2);
  }
  return out;
}

/** Positions of the bits that are set, lowest bit of the first byte first; null unless there are `count`. */
export function setBits(data: Uint8Array, count: number): Uint32Array | null {
  const out = new Uint32Array(count);
  let found = 0;
  for (let i = 0; i < data.length; i++) {
    for (let byte = data[i], at = 8 * i; byte; byte >>= 1, at++) {
      if (!(byte & 1)) continue;
      if (found === count) return null;
      out[found++] = at;
    }
  }
  return found === count ? out : null;
}
