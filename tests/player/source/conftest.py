"""Small shows, one of them with big segments, and a certificate."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from protocol.chunk import encode_segment
from protocol.partial import PartialShow
from tests.protocol import examples


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three chunks of a few KiB at two rungs."""
    path = tmp_path_factory.mktemp("sources") / "tiny.lfv"
    examples.write_show(path, chunks=3, rungs=2)
    return path


@pytest.fixture(scope="session")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six chunks of about 4 MiB: the pictures have junk behind them, which nobody looks at on the way."""
    path = tmp_path_factory.mktemp("sources") / "big.lfv"
    junk = np.random.default_rng(5).bytes(4 << 20)
    with PartialShow.open_or_create(path, fingerprint=b"big") as partial:
        for number in range(6):
            chunk = examples.chunk(number)
            first = replace(chunk.video[0], data=chunk.video[0].data + junk)
            partial.append([encode_segment(replace(chunk, video=(first, *chunk.video[1:])))])
        partial.finalise(examples.manifest(chunks=6))
    return path


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Certificate and key of 127.0.0.1, signed by itself."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl here to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    where = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    what = ["-subj", "/CN=lfv test", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run([openssl, "req", "-x509", *kind, *what, *where], check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"
