"""The first encode on a machine, which compiles its kernels."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.end_to_end.commands import QUICK, command, run_process

pytestmark = [pytest.mark.slow, pytest.mark.compiles]


@pytest.mark.timeout(900)  # minutes of compiling where cores are shared
def test_freshly_compiled_kernels_give_the_same_bytes(small: Path, tmp_path: Path) -> None:
    """Killed, the first encode on a machine goes on with kernels that were kept: these must be the compiled ones."""
    shows = [tmp_path / "first.lfv", tmp_path / "second.lfv"]
    told = []
    env = {**os.environ, "NUMBA_CACHE_DIR": str(_empty_cache(tmp_path))}
    for out in shows:
        words = command("encode", small, "--out", out, *QUICK, "--frames", "2")
        words += ["--solver", "descent", "--steps", "2"]  # so that all kernels of the solvers are asked
        done = run_process(words, env=env, timeout_s=420)
        assert done.code == 0
        told.append("compiling" in done.err)
    assert shows[0].read_bytes() == shows[1].read_bytes()
    assert told == [True, False]


def _empty_cache(tmp_path: Path) -> Path:
    """That of `make test`, which begins without kernels, so that the other tests find them; else one of our own."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    return Path(given) if given and not [*Path(given).rglob("descent_kernels.*")] else tmp_path / "kernels"
