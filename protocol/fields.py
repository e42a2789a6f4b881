"""Strict reading of msgpack documents: every field by name, type and range; errors name the field's path.

Unknown keys are ignored (SPEC 1.3), missing ones are errors but where an older minor version lacks them (`has`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import msgpack
import numpy as np
from numpy.typing import NDArray

from protocol import limits
from protocol.errors import FormatError

Document = dict[str, Any]
Scalar = str | int | float | bool | None

# Control characters (Unicode's Cc: terminals obey them) and halves of characters.
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def _pairs(pairs: list[tuple[Any, Any]]) -> Document:
    out: Document = {}
    for key, value in pairs:
        if not isinstance(key, str) or key in out:
            raise ValueError(f"key {key!r} is no text or stands twice")
        out[key] = value
    return out


def unpack_document(data: bytes, *, name: str, max_bytes: int, max_items: int = limits.MAX_STAGE_FIGURES) -> Fields:
    """msgpack bytes -> Fields of the map at the top; no list or map has more than `max_items` entries.

    msgpack makes room for as many entries as a list declares before it reads them, at every depth of nesting.

    Raises FormatError for anything else.
    """
    if len(data) > max_bytes:
        raise FormatError(f"{name} has {len(data)} bytes; at most {max_bytes} are allowed")
    try:
        document = msgpack.unpackb(
            data,
            raw=False,
            strict_map_key=True,
            object_pairs_hook=_pairs,
            max_str_len=4 * limits.MAX_TEXT,
            max_bin_len=limits.MAX_MANIFEST_BYTES,
            max_array_len=max_items,
            max_map_len=min(max_items, limits.MAX_SETTINGS),
            max_ext_len=0,
        )
    except (ValueError, msgpack.exceptions.UnpackException) as error:
        raise FormatError(f"{name} is not strict msgpack: {str(error) or type(error).__name__}") from error
    return Fields(_map(document, name), name)


def pack_document(document: Document) -> bytes:
    """Plain dicts, lists, texts, numbers and bytes -> msgpack; same input, same bytes. Raises FormatError."""
    try:
        return cast(bytes, msgpack.packb(document, use_bin_type=True))
    except (TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"a document holds what msgpack has no form for: {error}") from error


def _map(value: object, path: str) -> Document:
    if not isinstance(value, dict):
        raise FormatError(f"{path} must be a map")
    return value


def number(value: object, path: str, *, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FormatError(f"{path} must be a number")
    try:
        out = float(value)
    except OverflowError as error:
        raise FormatError(f"{path} is out of range") from error
    if not math.isfinite(out) or not low <= out <= high:
        raise FormatError(f"{path} is {out}; it must be finite and in [{low}, {high}]")
    return out


def integer(value: object, path: str, *, low: int, high: int) -> int:
    """An integer in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise FormatError(f"{path} must be an integer")
    if not low <= value <= high:
        raise FormatError(f"{path} is {value}; it must be in [{low}, {high}]")
    return value


def printable(value: str) -> str:
    """As much of a text as `text` takes, with "?" for each character that it refuses."""
    return _FORBIDDEN.sub("?", value)[: limits.MAX_TEXT]


def text(value: object, path: str, *, choices: Sequence[str] | None = None, empty: bool = True) -> str:
    """A text of at most MAX_TEXT characters without control characters."""
    if not isinstance(value, str):
        raise FormatError(f"{path} must be a text")
    if len(value) > limits.MAX_TEXT or _FORBIDDEN.search(value):
        raise FormatError(f"{path} is longer than {limits.MAX_TEXT} characters or holds control characters")
    if not value and not empty:
        raise FormatError(f"{path} must not be empty")
    if choices is not None and value not in choices:
        raise FormatError(f"{path} is {value!r}; it must be one of {', '.join(choices)}")
    return value


@dataclass(frozen=True)
class Fields:
    """A map of a document with its path, read field by field. Every method raises FormatError."""

    values: Document
    path: str

    def get(self, key: str) -> object:
        if key not in self.values:
            raise FormatError(f"{self.path}.{key} is missing")
        return self.values[key]

    def has(self, key: str) -> bool:
        """Whether the key is there, for those that older minor versions lack."""
        return key in self.values

    def name(self, key: str) -> str:
        return f"{self.path}.{key}"

    def integer(self, key: str, *, low: int, high: int) -> int:
        return integer(self.get(key), self.name(key), low=low, high=high)

    def real(self, key: str, *, low: float, high: float, infinite: bool = False) -> float:
        """`infinite` admits +inf besides the range."""
        value = self.get(key)
        if infinite and value == math.inf:
            return math.inf
        return number(value, self.name(key), low=low, high=high)

    def text(self, key: str, *, choices: Sequence[str] | None = None, empty: bool = True) -> str:
        return text(self.get(key), self.name(key), choices=choices, empty=empty)

    def flag(self, key: str) -> bool:
        value = self.get(key)
        if not isinstance(value, bool):
            raise FormatError(f"{self.name(key)} must be true or false")
        return value

    def blob(self, key: str, *, most: int) -> bytes:
        value = self.get(key)
        if not isinstance(value, bytes) or len(value) > most:
            raise FormatError(f"{self.name(key)} must be at most {most} bytes")
        return value

    def items(self, key: str, *, least: int = 0, most: int) -> list[object]:
        value = self.get(key)
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise FormatError(f"{self.name(key)} must be a list of {least} to {most} entries")
        return value

    def numbers(
        self, key: str, *, least: int, most: int, low: float = -math.inf, high: float = math.inf
    ) -> tuple[float, ...]:
        values = self.items(key, least=least, most=most)
        return tuple(number(v, f"{self.name(key)}[{i}]", low=low, high=high) for i, v in enumerate(values))

    def fraction(self, key: str, *, above: Fraction | int, high: int) -> Fraction:
        """[numerator, denominator] in lowest terms, in (above, high]."""
        pair = self.items(key, least=2, most=2)
        numerator = integer(pair[0], f"{self.name(key)}[0]", low=-(1 << 62), high=1 << 62)
        denominator = integer(pair[1], f"{self.name(key)}[1]", low=1, high=(1 << 32) - 1)
        out = Fraction(numerator, denominator)
        if out.denominator != denominator or not above < out <= high:
            raise FormatError(f"{self.name(key)} must be a fraction in lowest terms in ({above}, {high}]")
        return out

    def pose(self, key: str) -> NDArray[np.float64]:
        """16 numbers, row by row -> (4, 4) rigid pose."""
        values = self.numbers(key, least=16, most=16, low=-1e9, high=1e9)
        matrix = np.array(values, np.float64).reshape(4, 4)
        rotation = matrix[:3, :3]
        rigid = np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-4) and np.linalg.det(rotation) > 0
        if not rigid or matrix[3].tolist() != [0.0, 0.0, 0.0, 1.0]:
            raise FormatError(f"{self.name(key)} is not a rigid pose")
        return matrix

    def map(self, key: str) -> Fields:
        return Fields(_map(self.get(key), self.name(key)), self.name(key))

    def maps(self, key: str, *, least: int = 0, most: int) -> list[Fields]:
        values = self.items(key, least=least, most=most)
        return [Fields(_map(v, f"{self.name(key)}[{i}]"), f"{self.name(key)}[{i}]") for i, v in enumerate(values)]

    def scalars(self, key: str, *, most: int) -> dict[str, Scalar]:
        """A map of texts to texts, numbers, booleans or nothing."""
        out: dict[str, Scalar] = {}
        for name, value in sorted(_map(self.get(key), self.name(key)).items()):
            path = f"{self.name(key)}.{text(name, self.name(key), empty=False)}"
            if value is None or isinstance(value, bool):
                out[name] = value
            elif isinstance(value, str):
                out[name] = text(value, path)
            elif isinstance(value, int):
                out[name] = integer(value, path, low=-(1 << 63), high=(1 << 64) - 1)
            else:
                out[name] = number(value, path)
        if len(out) > most:
            raise FormatError(f"{self.name(key)} has more than {most} entries")
        return out
