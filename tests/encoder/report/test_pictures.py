"""Pictures are few and small, and error maps have one scale."""

from __future__ import annotations

import av
import numpy as np
import pytest

from encoder.evaluate import Compared, Target
from encoder.report.error_map import FULL_SCALE, LEFT_OUT, coloured, error_levels, scale_legend
from encoder.report.pictures import LONGEST_SIDE, MOST_SHOWN, Album, chosen, shown
from encoder.rig.models import Pinhole
from player.composite.view import ModelView
from tests.encoder.report.reports import parsed


def _pair(name: str = "cam", frame: int = 0, *, width: int = 32, height: int = 24, error: int = 0) -> Compared:
    truth = np.full((height, width, 3), 100, np.uint8)
    mask = np.ones((height, width), bool)
    mask[: height // 2, : width // 2] = False
    camera = ModelView(Pinhole(width, height, (50.0, 50.0, 16.0, 12.0)), np.eye(4))
    return Compared(Target(name, True, frame, camera, truth, mask), truth + np.uint8(error))


def _decoded(data: bytes) -> np.ndarray:
    context = av.CodecContext.create("mjpeg", "r")
    (frame,) = context.decode(av.Packet(data))
    return frame.to_ndarray(format="rgb24")


def test_the_channel_that_is_off_most_counts():
    truth, render = np.zeros((1, 3, 3), np.uint8), np.zeros((1, 3, 3), np.uint8)
    render[0, 1], truth[0, 2] = (10, 200, 30), (255, 0, 0)
    assert error_levels(truth, render).tolist() == [[0, 200, 255]]


def test_colours_rise_to_the_full_scale():
    levels = np.arange(256, dtype=np.uint8)[None]
    picture = coloured(levels, np.ones((1, 256), bool))[0].astype(int)
    luma = picture @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luma[: FULL_SCALE + 1]) > 0).all()
    assert picture[0].tolist() == [0, 0, 4] and (picture[FULL_SCALE:] == [252, 255, 200]).all()
    assert coloured(levels[:, :1], np.zeros((1, 1), bool)).tolist() == [[list(LEFT_OUT)]]


def test_the_legend_says_the_scale():
    legend = parsed(scale_legend().encode())
    assert [text.text for text in legend.all("text")] == ["0", "16", "32", "48", "64 +"]
    assert [text.attributes["x"] for text in legend.all("text")] == ["12", "92", "172", "252", "332"]
    stops = [(stop.attributes["offset"], stop.attributes["stop-color"]) for stop in legend.all("stop")]
    assert stops[0] == ("0%", "rgb(0,0,4)") and stops[-1] == ("100%", "rgb(252,255,200)") and len(stops) == 6


@pytest.mark.parametrize(
    ("size", "small"),
    [((32, 24), (32, 24)), ((960, 720), (480, 360)), ((601, 1201), (240, 480)), ((1001, 3), (480, 1))],
)
def test_pictures_are_bounded(size, small):
    found = shown(_pair(width=size[0], height=size[1], error=20), 22.1)
    for data in (found.truth, found.render, found.error):
        height, width = _decoded(data).shape[:2]
        assert (width, height) == small and max(small) <= LONGEST_SIDE


def test_pictures_show_what_was_compared():
    found = shown(_pair(width=96, height=96, error=FULL_SCALE), 12.0)
    assert np.abs(_decoded(found.truth).astype(int) - 100).max() <= 3
    assert np.abs(_decoded(found.render).astype(int) - 164).max() <= 3
    error = _decoded(found.error).astype(int)
    assert np.abs(error[:40, :40] - LEFT_OUT).max() <= 6
    assert np.abs(error[56:, 56:] - [252, 255, 200]).max() <= 6


def test_the_album_keeps_each_cameras_worst_frame():
    album = Album()
    for name, values in {"a": (30.0, 25.0, 25.0, 27.0), "b": (20.0, 21.0)}.items():
        for frame, psnr in enumerate(values):
            album.add(_pair(name, frame), psnr)
    assert {name: (one.frame, one.psnr) for name, one in album.worst.items()} == {"a": (1, 25.0), "b": (0, 20.0)}


@pytest.mark.parametrize("count", [1, 2, 12, 13, 14, 46, 500])
def test_few_are_chosen(count):
    names = [f"{number:03d}" for number in range(count)]
    groups = chosen(names)
    flat = [name for group in groups.values() for name in group]
    assert len(flat) == len(set(flat)) == min(count, MOST_SHOWN) and flat == sorted(flat)
    assert {names[0], names[-1], names[count // 2]} <= set(flat)
    assert list(groups) == ([""] if count <= MOST_SHOWN else ["The worst", "In the middle", "The best"])
