"""Shows of real rigs in Chromium: from `lfv serve` and from a plain nginx, the same picture as the Python player's."""

from __future__ import annotations

import math
import shutil
from fractions import Fraction
from pathlib import Path

import pytest
from playwright.sync_api import Page

from encoder.cli import main
from protocol.container import open_show
from protocol.serve.script import Script
from tests.browser.pictures import psnr, reference
from tests.browser.playing import Head, look, state
from tests.browser.watching import loaded, shown, watch
from tests.end_to_end.web_server import nginx
from tests.protocol.serve.process import port_of, serve

# Quick and coarse: what is tested is the player. Both ladders' rungs are H.264, which Chromium decodes.
QUICK = "--solver sweep --shells 16 --layers 6 --scale 0.25 --quiet".split()
FEWER = [word for number in range(1, 47) if number % 3 for word in ("--hold-out", f"camera_{number:04}")]
RIGS = {
    "flame_steak": [*QUICK, "--near", "6", "--far", "40", "--ladder"],
    "dome46_studio": [*QUICK, "--near", "0.5", "--far", "30", "--frames", "2", *FEWER],
}
HEADS = (Head(), Head((0.06, 0.03, 0.02), 0.3, -0.15), Head((-0.05, -0.06, 0.04), -0.8, 0.25))
WIDTH, HEIGHT = 480, 270
LEAST_DB = 35.0


@pytest.fixture(scope="module", params=list(RIGS))
def real_show(request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("real") / f"{request.param}.lfv"
    assert main(["encode", str(shared_data / request.param), "--out", str(out), *RIGS[request.param]]) == 0
    return out


def test_from_the_server(page: Page, script: Script, real_show: Path) -> None:
    with serve(real_show) as (_, said):
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        watch(page, port_of(said), real_show.stem)
        shown(page)
        _check_pictures(page, real_show)


def test_from_a_plain_web_server(page: Page, script: Script, real_show: Path, tmp_path: Path) -> None:
    """No lfv process runs; nginx has two files and the show."""
    folder, work = tmp_path / "www", tmp_path / "nginx"
    work.mkdir()
    assert main(["export", "page", str(folder)]) == 0
    shutil.copy(real_show, folder / "show.lfv")
    with nginx(folder, work) as server:
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        page.goto(server.url("index.html"))
        loaded(page)
        shown(page)
        _check_pictures(page, real_show)
        asked = [one for one in server.asked(3) if one.path == "/show.lfv"]
    assert all(one.status == 206 for one in asked)
    assert (asked[0].first, asked[0].last) == (0, 65535)


def _check_pictures(page: Page, show: Path) -> None:
    with open_show(show) as opened:
        rate, count = opened.manifest.frame_rate or Fraction(1), opened.index.frame_count
    usable = [i for i, rung in enumerate(state(page)["rungs"]) if not rung["trouble"]]
    for frame in {0, count - 1}:
        for rung in {usable[0], usable[-1]}:
            for head in HEADS:
                time = Fraction(frame) / rate
                found = look(page, time=float(time), frame=frame, head=head, rung=rung)
                wanted = reference(
                    show, time, width=WIDTH, height=HEIGHT, fov=math.pi / 2, rung=rung,
                    position=head.position, quaternion=head.quaternion,
                )  # fmt: skip
                assert psnr(found, wanted) >= LEAST_DB, (frame, rung, head)
