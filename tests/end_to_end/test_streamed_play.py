"""`lfv serve` and `lfv play` as two processes: the pictures are those of the file, whatever lies between."""

from __future__ import annotations

import filecmp
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from samples.make_counter_show import make_counter_show
from tests.end_to_end.commands import REPOSITORY, command, run_process
from tests.protocol.serve.test_command import serve

TIMES = ("0", "0.7", "3.4")


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_counter_show(tmp_path_factory.mktemp("show") / "counter.lfv", frames=120)


def pictures(source: str | Path, out: Path, *options: object, env: dict[str, str] | None = None) -> list[Path]:
    """What `lfv play --headless` makes of a source."""
    path = out.with_suffix(".csv")
    path.write_text("t,x,y,z,qw,qx,qy,qz\n0,-0.1,0,0,1,0,0,0\n4,0.1,0,0,1,0,0,0\n")
    look = ("--headless", "--out", out, "--size", "160x96", "--path", path, "--times", *TIMES)
    words = command("play", source, *look, *options)
    played = run_process(words, env={**os.environ, **(env or {})})
    assert played.code == 0, played.err
    return sorted(out.iterdir())


def test_every_way_gives_the_pictures_of_the_file(show: Path, tmp_path: Path) -> None:
    expected = pictures(show, tmp_path / "file")
    assert len(expected) == len(TIMES)
    with serve(show, "--zmq-port", 0, env={"LFV_TOKEN": "s3cret"}) as (_, said):
        addresses = [line for line in said if re.match(r"\w+://", line)]
        assert [re.split(":", address)[0] for address in addresses] == ["http", "ws", "tcp"]
        for address in addresses:
            out = tmp_path / address.partition(":")[0]
            for a, b in zip(expected, pictures(address, out, env={"LFV_TOKEN": "s3cret"}), strict=True):
                assert filecmp.cmp(a, b, shallow=False), f"{address}: {b.name}"
        refused = run_process(command("play", addresses[1], "--headless", "--out", tmp_path / "no"))
        assert refused.code == 1 and "wants a token" in refused.error
        assert not (tmp_path / "no").exists()


@pytest.mark.slow
def test_a_live_show_is_watched_while_it_is_made_and_after(show: Path, tmp_path: Path) -> None:
    live = tmp_path / "live.lfv"
    with serve(live, "--live") as (_, said):
        address = next(line for line in said if line.startswith("ws://"))
        early = run_process(command("play", address, "--headless", "--out", tmp_path / "early", "--times", "0"))
        assert early.code == 1 and "not begun" in early.error
        writer = subprocess.Popen([sys.executable, "-m", "samples.append_live", show, live], cwd=REPOSITORY)
        try:
            while not any(tmp_path.glob("live.lfv.partial")):
                time.sleep(0.05)
            time.sleep(1.2)
            during = pictures(address, tmp_path / "during")
        finally:
            assert writer.wait(30) == 0
        after = pictures(address, tmp_path / "after")
    for expected, a, b in zip(pictures(live, tmp_path / "file"), during, after, strict=True):
        assert filecmp.cmp(expected, a, shallow=False) and filecmp.cmp(expected, b, shallow=False)
