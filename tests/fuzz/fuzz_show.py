"""Fuzzing of everything that reads a show: any bytes end in a value or in FormatError, with bounded memory.

    python tests/fuzz/fuzz_show.py --minutes 10           own mutations of a real show, any machine
    python tests/fuzz/fuzz_show.py --atheris CORPUS/ ...   coverage-guided, needs atheris; libFuzzer's flags

`test_fuzz_show.py` runs the same target for a moment in every test run.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from protocol.chunk import decode_segment
from protocol.container import MemorySource, Show, open_show
from protocol.errors import FormatError
from protocol.index import decode_index
from protocol.manifest import decode_manifest, geometry_bounds
from protocol.mesh_codec import decode_geometry
from tests.protocol.seals import seal_segment, seal_show

GOLDEN = Path(__file__).parents[1] / "protocol" / "golden" / "tiny.show"


def read_all(data: bytes) -> None:
    """A whole show: front, every segment, every geometry."""
    show = open_show(MemorySource(data))
    for number in range(len(show.index.chunks)):
        for rung in range(show.index.rung_count):
            show.read_geometry(show.read_chunk(number, rung))


def _read_sealed(data: bytes) -> None:
    read_all(seal_show(data))


def _read_segment(data: bytes) -> None:
    chunk = decode_segment(seal_segment(data))
    decode_geometry(chunk.geometry)


def _read_manifest(data: bytes) -> None:
    manifest = decode_manifest(data)
    geometry_bounds(manifest, rung=0, frame_count=1)


TARGETS: tuple[Callable[[bytes], object], ...] = (
    read_all,
    _read_sealed,
    _read_segment,
    decode_geometry,
    _read_manifest,
    decode_index,
)


def fuzz_one(data: bytes) -> bool:
    """The first byte chooses the target; -> whether the rest was valid. Any other error than FormatError escapes."""
    if not data:
        return False
    try:
        TARGETS[data[0] % len(TARGETS)](data[1:])
    except FormatError:
        return False
    return True


def seeds() -> list[bytes]:
    """One valid input per target, cut from the golden show."""
    data = GOLDEN.read_bytes()
    show: Show = open_show(MemorySource(data))
    split = 64 + show.header.manifest_bytes
    parts = (
        data,
        data,
        show.read_segment(0, 0),
        show.read_chunk(1, 0).geometry,
        data[64:split],
        data[split : show.header.front_bytes],
    )
    return [bytes([number]) + part for number, part in enumerate(parts)]


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Flips, overwrites, cuts, repeats and stretches; the target stays."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        at = rng.randrange(1, max(2, len(out)))
        kind = rng.randrange(6)
        if kind == 0:
            out[at : at + 1] = bytes([out[at] ^ (1 << rng.randrange(8))]) if at < len(out) else b""
        elif kind == 1:
            out[at : at + rng.choice((1, 2, 4, 8))] = rng.randbytes(rng.choice((1, 2, 4, 8)))
        elif kind == 2:
            out[at : at + 4] = rng.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\1\0\0\0"))
        elif kind == 3:
            del out[at:]
        elif kind == 4:
            del out[at : at + rng.randrange(1, 40)]
        else:
            out[at:at] = out[at : at + rng.randrange(1, 40)]
    return bytes(out)


def fuzz_for(seconds: float, *, seed: int = 0) -> tuple[int, int]:
    """Mutations of the seeds for a while -> how many were tried, how many of them were still valid."""
    rng = random.Random(seed)
    corpus = seeds()
    tried = valid = 0
    end = time.process_time() + seconds
    while time.process_time() < end:
        valid += fuzz_one(mutate(rng.choice(corpus), rng))
        tried += 1
    return tried, valid


def _fuzz_with_atheris(arguments: list[str]) -> None:
    import atheris  # type: ignore[import-not-found,unused-ignore]

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *arguments], fuzz_one)
    atheris.Fuzz()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0, help="CPU time of the own mutations")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--atheris", nargs=argparse.REMAINDER, help="corpus folders and libFuzzer's flags")
    options = parser.parse_args()
    if options.atheris is not None:
        _fuzz_with_atheris(options.atheris)
    else:
        tried, valid = fuzz_for(60 * options.minutes, seed=options.seed)
        sys.stdout.write(f"{tried} inputs, {valid} of them valid, no other error than FormatError\n")
