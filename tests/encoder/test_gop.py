"""Groups of pictures cover the footage, keep within their length, and are as long as each other but for a frame."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from encoder.gop import group_frames


@given(st.integers(1, 5000), st.sampled_from([Fraction(24), Fraction(30000, 1001), Fraction(120)]), st.integers(1, 20))
def test_groups_are_even(frames: int, rate: Fraction, tenths: int) -> None:
    length = Fraction(tenths, 10)
    groups = group_frames(frames, rate, length)
    counts = [count for _, count in groups]
    most = max(1, round(length * rate))
    assert sum(counts) == frames and max(counts) <= most and max(counts) - min(counts) <= 1
    assert [first for first, _ in groups] == [sum(counts[:k]) for k in range(len(counts))]
    assert len(groups) == -(-frames // most)


def test_a_still_is_one_group() -> None:
    assert group_frames(1, None, Fraction(1)) == [(0, 1)]
