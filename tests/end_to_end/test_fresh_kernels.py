"""The first encode on a machine, which compiles its kernels."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.end_to_end.commands import QUICK, command, run_process

pytestmark = pytest.mark.slow(longest=True)


@pytest.mark.timeout(900)  # minutes of compiling where cores are shared
def test_freshly_compiled_kernels_give_the_same_bytes(small: Path, tmp_path: Path) -> None:
    """Killed, the first encode on a machine goes on with kernels that were kept: these must be the compiled ones."""
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "compiled")}
    shows = [tmp_path / "first.lfv", tmp_path / "second.lfv"]
    for out in shows:
        words = command("encode", small, "--out", out, *QUICK, "--quiet", "--frames", "1")
        words += ["--solver", "descent", "--steps", "2"]  # so that all kernels of the solvers are asked
        assert run_process(words, env=env, timeout_s=420).code == 0
    assert shows[0].read_bytes() == shows[1].read_bytes()
