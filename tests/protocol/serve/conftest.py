"""One small show with two rungs, and one with segments of megabytes, for all tests of the server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from protocol.chunk import encode_segment
from protocol.partial import PartialShow
from tests.protocol import examples


@pytest.fixture(scope="session")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shows") / "tiny.lfv"
    examples.write_show(path, chunks=3, rungs=2)
    return path


@pytest.fixture(scope="session")
def big_show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four chunks of about 6 MiB: the pictures have junk behind them, which nobody looks at on the way."""
    path = tmp_path_factory.mktemp("shows") / "big.lfv"
    junk = np.random.default_rng(3).bytes(6 << 20)
    with PartialShow.open_or_create(path, fingerprint=b"big") as partial:
        for number in range(4):
            chunk = examples.chunk(number)
            first = replace(chunk.video[0], data=chunk.video[0].data + junk)
            partial.append([encode_segment(replace(chunk, video=(first, *chunk.video[1:])))])
        partial.finalise(examples.manifest(chunks=4))
    return path
