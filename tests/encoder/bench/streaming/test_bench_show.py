"""Shows made for benchmarks are real ones, of the rates that were asked for."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from encoder.bench.streaming.shows import BenchShow, write_bench_show
from player.feed import ShowFeed
from player.frames import FrameReading, read_frames
from protocol.container import open_show


def test_a_bench_show_plays_and_each_rung_has_its_rate(tmp_path: Path) -> None:
    rates = (4_000_000, 500_000)
    path = write_bench_show(tmp_path / "bench.lfv", BenchShow(2, Fraction(1, 2), rates))
    with open_show(path) as show:
        assert show.index.duration == 1 and show.index.frame_count == 30
        for rung, rate in enumerate(rates):
            assert show.index.bits_per_second(rung) == pytest.approx(rate, rel=0.01)
            frames = list(read_frames(ShowFeed(show, rung), 0, FrameReading()))
            assert [frame.index for frame in frames] == list(range(30))
            assert frames[0].y.shape == (128, 64) and frames[0].rung.name == f"{rate / 1e6:g}"
