"""Damage that carries right checksums, so that tests reach the checks behind them."""

from __future__ import annotations

import struct
import zlib

from protocol.chunk import HEADER_BYTES, decode_head
from protocol.errors import FormatError
from protocol.index import digest


def seal_segment(data: bytes) -> bytes:
    """The segment with the CRC that its header and tables should have."""
    try:
        tables_end = HEADER_BYTES + decode_head(data).table_bytes
    except FormatError:
        return data
    crc = zlib.crc32(data[HEADER_BYTES:tables_end], zlib.crc32(data[: HEADER_BYTES - 4]))
    return data[: HEADER_BYTES - 4] + struct.pack("<I", crc) + data[HEADER_BYTES:]


def seal_show(data: bytes) -> bytes:
    """The show with the checksums that its header, manifest and index should have."""
    if len(data) < 64:
        return data
    manifest_bytes, index_bytes = struct.unpack_from("<II", data, 24)
    if manifest_bytes + index_bytes > len(data):
        return data
    head = bytearray(data[:64])
    head[40:56] = digest(data[64 : 64 + manifest_bytes + index_bytes])
    head[60:64] = struct.pack("<I", zlib.crc32(bytes(head[:60])))
    return bytes(head) + data[64:]
