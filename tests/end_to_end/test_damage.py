"""200 corruptions and truncations of a real show: verify and play end with one line each, in bounded memory."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from protocol.chunk import Chunk, encode_segment
from protocol.container import PartialShow, open_show
from tests.end_to_end.commands import REPOSITORY, run

pytestmark = pytest.mark.slow

DAMAGES = 200
KINDS = ("cut", "flip", "noise", "zeros", "hole", "grown", "greedy")


def damage(data: bytes, rng: random.Random, front: int) -> tuple[str, bytes]:
    """What was done, and the bytes. Every third hits header, manifest or index, where sizes are declared."""
    kind = rng.choice(KINDS)
    at = rng.randrange(front if rng.random() < 1 / 3 else len(data))
    out = bytearray(data)
    if kind == "cut":
        del out[at:]
    elif kind == "flip":
        out[at] ^= 1 << rng.randrange(8)
    elif kind == "noise":
        count = rng.randrange(1, 2000)
        out[at : at + count] = rng.randbytes(len(out[at : at + count]))
    elif kind == "zeros":
        out[at : at + 4096] = bytes(len(out[at : at + 4096]))
    elif kind == "hole":
        del out[at : at + rng.randrange(1, 5000)]
    elif kind == "grown":
        out[at:at] = rng.randbytes(rng.randrange(1, 5000))
    else:
        out[at : at + 8] = (b"\xff" * 8)[: len(out[at : at + 8])]
    if bytes(out) == data:
        out[at] ^= 0xFF
    return f"{kind} at {at}", bytes(out)


@pytest.fixture(scope="module")
def damaged(tiny_show: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The show, damaged in 200 ways."""
    data, rng = tiny_show.read_bytes(), random.Random(11)
    with open_show(tiny_show) as show:
        front = show.header.front_bytes
    folder = tmp_path_factory.mktemp("damaged")
    for number in range(DAMAGES):
        what, wrong = damage(data, rng, front)
        (folder / f"{number:03d} {what}.lfv").write_bytes(wrong)
    return sorted(folder.iterdir())


def test_verify_ends_with_one_line(damaged: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    for path in damaged:
        done = run(capsys, "verify", path)
        assert (done.code, done.out) == (1, ""), path.name
        assert done.err.count("\n") == 1 and "(bytes " in done.error, path.name


def test_play_ends_with_one_line_or_plays(
    damaged: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = 0
    for number, path in enumerate(damaged):
        # Half of them show the first chunk alone, where damage of the others does not matter.
        times = ("0", "0.05") if number % 2 else ("0", "0.1", "0.2")
        done = run(capsys, "play", path, "--headless", "--out", tmp_path / "tour", "--size", "32x24", "--times", *times)
        if done.code == 0:
            assert done.err == "", path.name
            continue
        ended += 1
        assert done.code == 1 and done.err.count("\n") == 1 and done.error, path.name
    assert ended > DAMAGES // 2


def test_evaluate_and_inspect_end_with_one_line(
    damaged: list[Path], small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in damaged[::10]:
        for arguments in (("inspect", path, "--json"), ("evaluate", path, "--rig", small)):
            done = run(capsys, *arguments)
            assert done.code == 0 or (done.code == 1 and done.error), path.name


def test_memory_stays_bounded(damaged: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    tracemalloc.start()
    try:
        for path in damaged[::4]:
            run(capsys, "verify", path)
            run(capsys, "inspect", path)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def test_processes_with_little_address_space(damaged: list[Path], tmp_path: Path) -> None:
    """Decoders and OpenGL take memory that Python does not count."""
    script = (
        "import resource, sys\n"
        "from encoder.cli import main\n"
        "codes = [main([*sys.argv[1].split(), path]) for path in sys.argv[2:]]\n"
        "print('codes', *codes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )

    def cap() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))

    chosen = damaged[::16]
    for words in ("verify", f"play --headless --size 32x24 --times 0.2 --out {tmp_path / 'tour'}"):
        done = subprocess.run(
            [sys.executable, "-c", script, words, *map(str, chosen)],
            cwd=REPOSITORY, preexec_fn=cap, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
        *codes, kilobytes = map(int, done.stdout.splitlines()[-1].split()[1:])
        assert set(codes) <= {0, 1} and 1 in codes
        assert done.stderr.count("lfv: error: ") == codes.count(1) == len(done.stderr.splitlines())
        assert kilobytes < 2_000_000


def test_damage_behind_right_checksums(show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a forger or a broken encoder writes: the bytes reach the decoders of geometry, video and sound."""
    rng, path = random.Random(5), tmp_path / "forged.lfv"
    tour = ("--headless", "--out", tmp_path / "tour", "--size", "32x24", "--times", "0", "0.2")
    codes = []
    for _ in range(60):
        with open_show(show) as opened, PartialShow.open_or_create(path, fingerprint=b"", restart=True) as journal:
            for number in range(len(opened.index.chunks)):
                journal.append([encode_segment(_forged(opened.read_chunk(number, 0), rng))])
            journal.finalise(opened.manifest)
        codes += [run(capsys, "verify", path), run(capsys, "play", path, *tour)]
    assert all(done.code == 0 or (done.code == 1 and done.error) for done in codes)
    assert {done.code for done in codes} == {0, 1}


def _forged(chunk: Chunk, rng: random.Random) -> Chunk:
    def spoilt(data: bytes) -> bytes:
        out = bytearray(data)
        for _ in range(rng.choice((0, 1, 4, 30))):
            at = rng.randrange(len(out))
            out[at : at + 2] = rng.randbytes(len(out[at : at + 2]))
        return bytes(out)

    part = rng.choice(("geometry", "video", "sound"))
    if part == "geometry":
        return replace(chunk, geometry=spoilt(chunk.geometry))
    if part == "video":
        return replace(chunk, video=tuple(replace(unit, data=spoilt(unit.data)) for unit in chunk.video))
    return replace(chunk, sound=tuple(replace(packet, data=spoilt(packet.data)) for packet in chunk.sound))


def test_what_is_no_show(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.lfv").write_bytes(b"")
    (tmp_path / "text.lfv").write_text("this is no show\n" * 1000)
    wrong = [tmp_path / "empty.lfv", tmp_path / "text.lfv", small / "camera_0001.mp4", tmp_path / "none.lfv", tmp_path]
    for path in wrong:
        for words in (("verify",), ("play", "--headless", "--out", tmp_path / "tour"), ("evaluate", "--rig", small)):
            done = run(capsys, words[0], path, *words[1:])
            assert done.code == 1 and path.name in done.error
    assert not (tmp_path / "tour").exists()
