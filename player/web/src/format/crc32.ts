/** The CRC of zlib and PNG (SPEC 1.2). */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

/** The CRC of the data; `before` is that of what stands in front of it. */
export function crc32(data: Uint8Array, before = 0): number {
  let value = ~before;
  for (let i = 0; i < data.length; i++) value = TABLE[(value ^ data[i]) & 0xff] ^ (value >>> 8);
  return ~value >>> 0;
}
