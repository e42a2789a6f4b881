"""The counter show says its numbers in picture and geometry, at every rung, codec and seek."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from encoder.commands.verify import verify_show
from encoder.video.encoders import Codec
from player.composite.view import head_view
from player.feed import ShowFeed
from player.frames import FrameReading, chunk_frames, read_frames
from player.headless import HeadlessRenderer
from protocol.container import Show, open_show
from protocol.errors import UsageError
from samples.make_counter_show import (
    LOW,
    CounterRung,
    CounterShow,
    counter_chunks,
    main,
    make_counter_show,
    read_counters,
)


def said_at(show: Show, rung: int, *, first: int = 0) -> list[tuple[int, int]]:
    """What picture and geometry say, from frame `first` to the end."""
    frames = read_frames(ShowFeed(show, rung), first, FrameReading())
    return [read_counters(frame, show.manifest.rungs[rung]) for frame in frames]


def test_every_frame_says_its_number_at_every_rung(tmp_path: Path) -> None:
    path = make_counter_show(tmp_path / "counter.lfv", frames=50)
    assert verify_show(path).pictures == 150
    with open_show(path) as show:
        assert [rung.texture_scale for rung in show.manifest.rungs] == [1.0, 0.75, 0.5]
        assert len(show.index.chunks) == 4
        rates = [rung.bits_per_second for rung in show.manifest.rungs]
        assert rates == sorted(rates, reverse=True)
        for number, rung in enumerate(show.manifest.rungs):
            said = [read_counters(frame, rung) for frame in read_frames(ShowFeed(show, number), 0, FrameReading())]
            assert said == [(i, i) for i in range(50)]
        assert read_counters(next(read_frames(ShowFeed(show, 0), 37, FrameReading())), show.manifest.rungs[0]) == (
            37,
            37,
        )


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
def test_numbers_of_16_bits_survive_every_codec(tmp_path: Path, codec: Codec) -> None:
    wanted = [0xFFFD, 0xFFFE, 0xFFFF]
    show = CounterShow(frames=3, rungs=(LOW,), codec=codec, first=wanted[0])
    chunk = counter_chunks(show, 0)[0]
    path = make_counter_show(tmp_path / "counter.lfv", frames=3, rungs=(LOW,), codec=codec)
    with open_show(path) as opened:
        rung = opened.manifest.rungs[0]
        assert rung.codec == codec and rung.codec_string
        assert [read_counters(f, rung) for f in chunk_frames(ShowFeed(opened, 0), chunk, FrameReading())] == [
            (n, n) for n in wanted
        ]


def test_a_rung_is_filled_up_to_its_rate_and_still_decodes(tmp_path: Path) -> None:
    rungs = (CounterRung("two", Fraction(1, 2), 30, 2_000_000), CounterRung("one", Fraction(1, 4), 30, 1_000_000))
    path = make_counter_show(tmp_path / "counter.lfv", frames=45, rungs=rungs, gop=Fraction(1, 2))
    with open_show(path) as show:
        for number, rung in enumerate(rungs):
            assert show.manifest.rungs[number].bits_per_second == pytest.approx(rung.bits_per_second, rel=0.02)
            assert said_at(show, number) == [(i, i) for i in range(45)]


def test_set_bits_stand_nearer_on_the_screen(tmp_path: Path) -> None:
    path = make_counter_show(tmp_path / "counter.lfv", frames=2)
    with open_show(path) as show:
        rung = show.manifest.rungs[0]
        with HeadlessRenderer(show.manifest.projection, rung) as renderer:
            pictures = []
            for frame in read_frames(ShowFeed(show, 0), 0, FrameReading()):
                renderer.set_decoded(frame)
                T = np.eye(4)
                T[0, 3] = 0.15
                head = head_view(T, width=256, height=128, fov=float(np.pi / 2))
                pictures.append(renderer.render(head, dtype="uint8").astype(int))
    moved = np.abs(pictures[1] - pictures[0]).max(axis=-1) > 60
    # Frame 0 says 0, frame 1 says 1: the picture's last block and the last square differ, and nothing else.
    rows, columns = np.nonzero(moved[72:])
    assert len(rows) and rows.min() >= 24 and columns.min() >= 256 * 6 // 8
    assert not moved[:28].any()


def test_same_arguments_same_bytes(tmp_path: Path) -> None:
    first, second = (make_counter_show(tmp_path / name, frames=20).read_bytes() for name in ("a.lfv", "b.lfv"))
    assert first == second


def test_what_cannot_be_made_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="65536"):
        make_counter_show(tmp_path / "counter.lfv", frames=65537)
    assert main([str(tmp_path / "counter.lfv"), "--gop", "1/7"]) == UsageError.exit_code
    assert "whole number of frames" in capsys.readouterr().err
    assert main([str(tmp_path / "counter.lfv"), "--frames", "15", "--rates", "3", "2", "1"]) == 0
