"""Bits and bytes in words."""

from __future__ import annotations


def bits(count: float) -> str:
    """Three digits or so: 812 bit, 81.2 kbit, 8.12 Mbit."""
    return _scaled(count, ("bit", "kbit", "Mbit", "Gbit"))


def size(count: float) -> str:
    """Three digits or so: 812 B, 81.2 kB, 8.12 MB."""
    return _scaled(count, ("B", "kB", "MB", "GB", "TB"))


def _scaled(count: float, units: tuple[str, ...]) -> str:
    place = 0
    while round(count, 2) >= 1000 and place < len(units) - 1:
        count, place = count / 1000, place + 1
    decimals = 0 if place == 0 or count >= 99.95 else 1 if count >= 9.995 else 2
    return f"{count:.{decimals}f} {units[place]}"
