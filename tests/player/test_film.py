"""A show from its file to pictures."""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from encoder.cli import main
from player.feed import ShowFeed
from player.film import Shot, film
from player.frames import FrameReading, frame_at
from player.pictures import encode_png, open_pictures
from player.pose.trace import Trace, write_trace
from protocol.container import open_show
from protocol.errors import UsageError
from tests.player.shows import CHUNKS, COUNT, RATE, grey

FORWARD = np.array([[1.0, 0, 0, 0]])


def still_head(*times: float, x: float = 0.0) -> Trace:
    n = len(times)
    return Trace(np.array(times), np.tile([[x, 0.0, 0.0]], (n, 1)), FORWARD.repeat(n, axis=0))


def shot(**changes: object) -> Shot:
    values: dict[str, object] = {"width": 64, "height": 48, "fov": math.pi / 2, "rate": RATE}
    return Shot(**(values | changes))  # type: ignore[arg-type]


def test_every_frame_is_shown_at_its_time(show_path: Path) -> None:
    with open_show(show_path) as show:
        pictures = list(film(ShowFeed(show, 0), still_head(0.0, (COUNT - 1) / float(RATE)), shot(), FrameReading()))
        assert len(pictures) == COUNT
        for index, picture in enumerate(pictures):
            assert abs(picture[4, 4].mean() / 255 - grey(index)) < 0.012
            np.testing.assert_allclose(picture[24, 32] / 255, [1, 0, 0], atol=0.02)


def test_longer_paths_start_the_show_over(show_path: Path) -> None:
    with open_show(show_path) as show:
        pictures = list(film(ShowFeed(show, 0), still_head(0.0, (COUNT + 1) / float(RATE)), shot(), FrameReading()))
    assert len(pictures) == COUNT + 2
    assert np.array_equal(pictures[COUNT], pictures[0])


def test_given_times_are_rendered_alone(show_path: Path) -> None:
    times = tuple(Fraction(i) / RATE for i in (13, 2))
    with open_show(show_path) as show:
        pictures = list(film(ShowFeed(show, 0), still_head(0.0), shot(times=times), FrameReading()))
    assert [round((p[4, 4].mean() / 255 - 0.1) / 0.045) for p in pictures] == [13, 2]


def test_stereo_stands_side_by_side_with_parallax(show_path: Path) -> None:
    with open_show(show_path) as show:
        (picture,) = film(ShowFeed(show, 0), still_head(0.0), shot(ipd=0.125), FrameReading())
    assert picture.shape == (48, 128, 3)
    red = (picture[24, :, 0] > 200) & (picture[24, :, 1] < 50)
    left, right = np.flatnonzero(red[:64]).mean(), np.flatnonzero(red[64:]).mean()
    # 32 pixels to the unit of tangent, disparity 1: the eyes see it 32 * 0.125 = 4 pixels apart.
    assert left - right == pytest.approx(4.0, abs=0.5)


def test_pictures_fade_outside_the_comfort_volume(show_path: Path) -> None:
    with open_show(show_path) as show:
        bright, dim, black = (
            next(film(ShowFeed(show, 0), still_head(0.0, x=x), shot(), FrameReading())) for x in (0.0, 0.21, 0.5)
        )
    assert bright.mean() > dim.mean() > 0
    assert black.max() == 0


def test_frames_follow_the_exact_times_of_the_index(show_path: Path) -> None:
    with open_show(show_path) as show:
        assert [frame_at(show.index, i / RATE) for i in range(COUNT)] == list(range(COUNT))
        assert frame_at(show.index, -1) == 0
        assert frame_at(show.index, 99.0) == COUNT - 1
        assert frame_at(show.index, 1 / RATE - Fraction(1, 10**9)) == 0


def test_png_is_lossless(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (31, 17, 3), dtype=np.uint8)
    path = tmp_path / "a.png"
    path.write_bytes(encode_png(picture))
    with av.open(str(path)) as file:
        np.testing.assert_array_equal(next(file.decode(video=0)).to_ndarray(format="rgb24"), picture)


def test_output_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a folder nor a video"):
        open_pictures(tmp_path / "out.txt", rate=RATE)


def play(*arguments: object) -> int:
    return main(["play", *map(str, arguments)])


def test_play_headless_to_pngs_and_video(show_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_trace(tmp_path / "head.csv", still_head(0.0, 4 / float(RATE)))
    path = ["--headless", "--path", tmp_path / "head.csv", "--size", "64x48"]
    assert play(show_path, *path, "--out", tmp_path / "frames") == 0
    assert sorted(p.name for p in (tmp_path / "frames").iterdir()) == [f"{i:06d}.png" for i in range(5)]
    assert "5 pictures of 64x48" in capsys.readouterr().out
    assert play(show_path, *path, "--out", tmp_path / "film.mp4", "--stereo") == 0
    with av.open(str(tmp_path / "film.mp4")) as file:
        assert file.streams.video[0].average_rate == RATE
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert [f.shape for f in frames] == [(48, 128, 3)] * 5
    assert all(abs(f[4, 4].mean() / 255 - grey(i)) < 0.03 for i, f in enumerate(frames))


def test_default_path_is_as_long_as_the_show(show_path: Path, tmp_path: Path) -> None:
    assert play(show_path, "--headless", "--size", "32x24", "--out", tmp_path / "f") == 0
    assert len(list((tmp_path / "f").iterdir())) == COUNT


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--headless"], "--headless needs a place to write to"),
        (["--out", "x"], "need --headless"),
        (["--size", "12by9"], "--size 12by9 is no size"),
        (["--fov", "200"], "--fov 200"),
        (["--rung", "best"], "no rung 'best'; it has test"),
        (["--headless", "--out", "x", "--path", "none.csv"], "none.csv cannot be read"),
    ],
)
def test_wrong_calls_get_one_line(
    show_path: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert play(show_path, *arguments) in (1, 2)
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--rate", "1/0"], ["--times", "now"]])
def test_numbers_that_are_none_are_named(
    show_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        play(show_path, *arguments)
    assert f"{arguments[1]} is no number" in capsys.readouterr().err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="windows need no DISPLAY here")
def test_window_without_a_display_is_one_line(
    show_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    assert play(show_path) == 1
    error = capsys.readouterr().err
    assert "no display" in error and "--headless" in error and error.count("\n") == 1


@pytest.mark.parametrize("seed", range(25))
def test_damaged_shows_end_with_one_line(
    show_path: Path, tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(seed)
    data = bytearray(show_path.read_bytes())
    if seed % 3 == 0:
        del data[int(rng.integers(0, len(data))) :]
    else:
        at = int(rng.integers(0, len(data)))
        data[at] ^= int(rng.integers(1, 256))
    damaged = tmp_path / "damaged.lfv"
    damaged.write_bytes(data)
    code = play(damaged, "--headless", "--size", "32x24", "--out", tmp_path / "f")
    error = capsys.readouterr().err
    # Bytes that only fill up to the alignment hold nothing that could be damaged.
    assert (code, error.count("\n")) in ((1, 1), (0, 0)), error
    if code == 1:
        assert error.startswith("lfv: error: ")


def test_chunk_count_is_as_made(show_path: Path) -> None:
    with open_show(show_path) as show:
        assert len(show.index.chunks) == CHUNKS
