"""Integer arrays as bytes that zstd shrinks well: modular differences, zigzag, byte planes; safe zstd.

SPEC section 6.2. All arithmetic is modulo 2**16 or 2**32, so every step is exactly reversible.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from protocol.errors import FormatError

Words = NDArray[np.unsignedinteger[Any]]

ZSTD_LEVEL = 12
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def zigzag(differences: Words) -> Words:
    """Two's complement differences -> small numbers for small magnitudes: 0, -1, 1, -2 ... become 0, 1, 2, 3 ..."""
    bits = differences.dtype.itemsize * 8
    sign: Words = np.negative(np.right_shift(differences, bits - 1))
    out: Words = np.left_shift(differences, 1) ^ sign
    return out


def unzigzag(words: Words) -> Words:
    """The inverse of `zigzag`."""
    sign: Words = np.negative(words & 1)
    out: Words = np.right_shift(words, 1) ^ sign
    return out


def differences(words: Words) -> Words:
    """(N, ...) -> zigzagged differences along the first axis, the first against 0."""
    out = words.copy()
    out[1:] -= words[:-1]
    return zigzag(out)


def running(words: Words) -> Words:
    """The inverse of `differences`."""
    return np.cumsum(unzigzag(words), axis=0, dtype=words.dtype)


def to_planes(words: Words) -> bytes:
    """Unsigned integers in C order -> all lowest bytes, then all second bytes, and so on."""
    little = np.ascontiguousarray(words, words.dtype.newbyteorder("<"))
    return np.ascontiguousarray(little.reshape(-1).view(np.uint8).reshape(-1, words.dtype.itemsize).T).tobytes()


def from_planes(data: memoryview, shape: tuple[int, ...], dtype: type[np.unsignedinteger[Any]]) -> Words:
    """The inverse of `to_planes`; `data` holds exactly the bytes of `shape`."""
    size = np.dtype(dtype).itemsize
    planes = np.frombuffer(data, np.uint8).reshape(size, -1)
    words = np.ascontiguousarray(planes.T).reshape(-1).view(np.dtype(dtype).newbyteorder("<"))
    return words.astype(dtype, copy=False).reshape(shape)


def compress(data: bytes) -> bytes:
    """One zstd frame with its content size and checksum. Same input and zstd library, same bytes."""
    return zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True, write_content_size=True).compress(data)


def decompress(frame: bytes, *, size: int, max_window: int, name: str) -> bytes:
    """One zstd frame that declares exactly `size` bytes -> those bytes.

    zstandard ignores `max_output_size` when the frame declares its size, so the declared one is compared before
    anything is allocated. Raises FormatError.
    """
    if frame[:4] != _ZSTD_MAGIC:
        raise FormatError(f"{name} is not a zstd frame")
    try:
        parameters = zstandard.get_frame_parameters(frame)
        if parameters.content_size != size:
            raise FormatError(f"{name} declares another size than the {size} bytes that its table needs")
        if parameters.window_size > max_window or parameters.dict_id != 0:
            raise FormatError(f"{name} needs a larger window than {max_window} bytes, or a dictionary")
        decompressor = zstandard.ZstdDecompressor(max_window_size=max(max_window, 1024))
        data = decompressor.decompress(frame, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise FormatError(f"{name} is damaged: {error}") from error
    if len(data) != size:
        raise FormatError(f"{name} unpacks to {len(data)} bytes instead of {size}")
    return data
