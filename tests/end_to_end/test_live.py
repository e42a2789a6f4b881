"""`encode --live`: the same show, chunk by chunk at its own pace; a relay can serve it from the first one on."""

from __future__ import annotations

import asyncio
import subprocess
import time
from fractions import Fraction
from pathlib import Path

import pytest

from protocol.container import open_show
from protocol.serve.live import LiveShow
from samples.make_rig import RigConfig, make_rig
from tests.end_to_end.commands import QUICK, REPOSITORY, command, run
from tests.end_to_end.test_resume import killed_at
from tests.protocol.serve.viewer import Viewer

pytestmark = pytest.mark.slow


def test_a_live_show_is_the_same_show(
    small: Path, tiny_show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "small.lfv"
    assert run(capsys, "encode", small, "--out", out, *QUICK, "--live").code == 0
    assert out.read_bytes() == tiny_show.read_bytes()


def test_a_relay_serves_what_a_killed_encoder_has_done(
    small: Path, tiny_show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "small.lfv"

    async def test() -> None:
        live = LiveShow(out)
        killed_at("2 solve", small, out)
        live.poll()
        viewer = Viewer(live)
        assert sorted(viewer.arrived) == [0, 1] and not viewer.ended
        with open_show(tiny_show) as whole:
            for number, data in viewer.arrived.items():
                assert data == whole.read_segment(number, 0)
            told = live.current().manifest
            assert told.frame_count < whole.manifest.frame_count and told.title == whole.manifest.title
            assert told.poster == whole.manifest.poster and told.rungs[0].codec_string
        done = run(capsys, "encode", small, "--out", out, *QUICK, "--live")
        assert done.code == 0 and "going on: 2 of 3 chunks are there" in done.err
        live.poll()
        live.poll()
        await asyncio.sleep(0)
        viewer.pump()
        assert sorted(viewer.arrived) == [0, 1, 2] and viewer.ended
        live.close()

    asyncio.run(test())
    assert out.read_bytes() == tiny_show.read_bytes()


@pytest.mark.usefixtures("tiny_show")  # whose making has compiled all that this one needs
def test_chunks_come_at_the_pace_of_the_footage(tmp_path: Path) -> None:
    """Three seconds, whose chunks of half a second a preview of a few pixels has done long before the next one."""
    rig, out = tmp_path / "rig", tmp_path / "show.lfv"
    make_rig(rig, RigConfig(cameras=4, frames=12, width=32, height=24, frame_rate=Fraction(4), views=0))
    options = "--near 0.8 --far 10 --shells 4 --layers 2 --density 8 --solver sweep --gop 0.5 --live --quiet".split()
    words = command("encode", rig, "--out", out, *options)
    moments: list[float] = []
    begun = time.monotonic()

    async def test() -> None:
        live = LiveShow(out)
        with subprocess.Popen(words, cwd=REPOSITORY, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None or not moments or live.current().live:
                live.poll()
                await asyncio.sleep(0.005)
                try:
                    chunks = len(live.current().index.chunks)
                except OSError:
                    assert process.poll() in (None, 0)
                    continue
                moments.extend([time.monotonic()] * (chunks - len(moments)))
            assert process.returncode == 0
        live.close()

    asyncio.run(test())
    assert len(moments) == 6
    assert all(moment - begun >= (number + 1) / 2 for number, moment in enumerate(moments))
    assert moments[-1] - moments[0] > 1
