"""The journal: what is complete is never lost, and the finished show does not depend on what happened on the way."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from protocol.container import open_show
from protocol.errors import FormatError, StorageError, UsageError
from protocol.journal import HEADER_BYTES
from protocol.manifest import encode_manifest
from protocol.partial import PartialShow, partial_path
from protocol.storage import check_output
from tests.protocol.examples import FINGERPRINT, manifest, segments, write_show

CHUNKS, RUNGS = 3, 2
SCRIPT = Path(__file__).parent / "encoding_process.py"


@pytest.fixture(scope="module")
def chunks() -> list[list[bytes]]:
    return [segments(number, rungs=RUNGS) for number in range(CHUNKS)]


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The show of an unbroken run."""
    path = tmp_path_factory.mktemp("wanted") / "a.lfv"
    write_show(path, chunks=CHUNKS, rungs=RUNGS)
    return path.read_bytes()


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory, chunks) -> tuple[bytes, list[int]]:
    """The whole journal, and where each of its records ends."""
    out = tmp_path_factory.mktemp("journal") / "a.lfv"
    ends = [HEADER_BYTES]
    with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as partial:
        for number, data in enumerate(chunks):
            partial.append(data, notes=b"note %d" % number)
            ends.append(partial_path(out).stat().st_size)
    return partial_path(out).read_bytes(), ends


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory, chunks) -> Path:
    """What encoding_process.py reads."""
    folder = tmp_path_factory.mktemp("footage")
    for number, data in enumerate(chunks):
        for rung, segment in enumerate(data):
            (folder / f"{number}-{rung}.segment").write_bytes(segment)
    (folder / "manifest.msgpack").write_bytes(encode_manifest(manifest(chunks=CHUNKS, rungs=RUNGS)))
    return folder


def _go_on(out: Path, chunks: list[list[bytes]]) -> int:
    """Encodes what is missing and finishes; -> how many chunks were there."""
    with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as partial:
        found = len(partial.chunks)
        for data in chunks[found:]:
            partial.append(data)
        partial.finalise(manifest(chunks=CHUNKS, rungs=RUNGS))
    assert sorted(os.listdir(out.parent)) == [out.name]
    return found


def test_notes_and_chunks_come_back(tmp_path, journal):
    out = tmp_path / "a.lfv"
    partial_path(out).write_bytes(journal[0])
    with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as partial:
        assert [chunk.notes for chunk in partial.chunks] == [b"note 0", b"note 1", b"note 2"]
        assert partial.index().rung_count == RUNGS
        assert partial.index().bits_per_second(0) > 0


def test_the_notes_are_not_in_the_show(tmp_path, journal, wanted, chunks):
    out = tmp_path / "a.lfv"
    partial_path(out).write_bytes(journal[0])
    assert _go_on(out, chunks) == CHUNKS
    assert out.read_bytes() == wanted and b"note 0" not in wanted


def test_a_journal_cut_at_any_byte_goes_on(tmp_path, journal, wanted, chunks):
    data, ends = journal
    near_ends = {end + d for end in ends for d in range(-3, 4)} | set(range(HEADER_BYTES + 70))
    cuts = sorted(c for c in near_ends | set(range(0, len(data), 101)) if 0 <= c <= len(data))
    for cut in cuts:
        out = tmp_path / f"{cut}.lfv"
        partial_path(out).write_bytes(data[:cut])
        with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as partial:
            assert len(partial.chunks) == sum(end <= cut for end in ends[1:])
        assert partial_path(out).stat().st_size == max(end for end in ends if end <= max(cut, HEADER_BYTES))
        partial_path(out).unlink()
    for number, cut in enumerate(random.Random(0).sample(cuts, 12)):
        out = tmp_path / str(number) / "a.lfv"
        out.parent.mkdir()
        partial_path(out).write_bytes(data[:cut])
        _go_on(out, chunks)
        assert out.read_bytes() == wanted


def test_garbage_behind_a_power_cut_is_cut_off(tmp_path, journal, wanted, chunks):
    """The file's length may be on the disk before its bytes are."""
    data, ends = journal
    for number, (start, filler) in enumerate(((ends[1], b"\0"), (ends[1] + 10, b"\xff"), (ends[2] - 5, b"\0"))):
        out = tmp_path / str(number) / "a.lfv"
        out.parent.mkdir()
        partial_path(out).write_bytes(data[:start] + filler * (len(data) - start))
        assert _go_on(out, chunks) == 1
        assert out.read_bytes() == wanted


def _run(out: Path, footage: Path, pause_s: float, *limit: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-s", str(SCRIPT), str(out), str(footage), str(pause_s), *map(str, limit)]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_kill_9_at_any_moment(tmp_path, footage, wanted):
    out = tmp_path / "a.lfv"
    rng = random.Random(1)
    kills = 0
    while kills < 8 and not out.exists():
        process = _run(out, footage, 0.05)
        with process:
            # From the first chunk that this process writes, so that every run gets somewhere.
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(rng.uniform(0, 0.06))
            process.send_signal(signal.SIGKILL)
        kills += 1
    with _run(out, footage, 0) as process:
        _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert out.read_bytes() == wanted
    assert kills >= 2


@pytest.mark.parametrize("where", ["header", "chunk", "show"])
def test_a_full_disk_is_one_line_and_keeps_what_is_complete(tmp_path, footage, journal, wanted, where):
    out = tmp_path / "a.lfv"
    data, ends = journal
    limit = {"header": 30, "chunk": ends[2] - 100, "show": len(data) + 10}[where]
    assert limit < len(wanted)
    with _run(out, footage, 0, limit) as process:
        _, errors = process.communicate()
    assert process.returncode == 1
    assert errors.count("\n") == 1 and "free some space" in errors
    assert not out.exists() and not out.with_name("a.lfv.finishing").exists()
    complete = {"header": 0, "chunk": ends[1], "show": ends[3]}[where]
    assert partial_path(out).stat().st_size == complete or where == "header"
    with _run(out, footage, 0) as process:
        printed, errors = process.communicate()
    assert process.returncode == 0, errors
    assert printed.count("chunk") == {"header": 3, "chunk": 2, "show": 0}[where]
    assert out.read_bytes() == wanted


def test_a_really_full_disk(tmp_path, footage, wanted):
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        out = disk / "a.lfv"
        with _run(out, footage, 0) as process:
            _, errors = process.communicate()
        assert process.returncode == 1 and errors.count("\n") == 1 and "no space left" in errors
        with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as partial:
            assert 1 <= len(partial.chunks) <= CHUNKS
        subprocess.run(["mount", "-o", "remount,size=1m", str(disk)], check=True)
        with _run(out, footage, 0) as process:
            assert process.wait() == 0
        assert out.read_bytes() == wanted
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_one_writer_at_a_time(tmp_path, chunks):
    out = tmp_path / "a.lfv"
    with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as first:
        first.append(chunks[0])
        with pytest.raises(StorageError, match="another lfv"):
            PartialShow.open_or_create(out, fingerprint=FINGERPRINT)
        with pytest.raises(StorageError, match="another lfv"):
            PartialShow.open_or_create(out, fingerprint=FINGERPRINT, restart=True)
    with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as second:
        assert len(second.chunks) == 1


def test_a_worker_that_outlives_a_killed_encoder_does_not_hold_the_lock(tmp_path):
    out = tmp_path / "a.lfv"
    with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as partial:
        started, stop = os.pipe(), os.pipe()
        worker = os.fork()
        if worker == 0:
            os.close(stop[1])
            os.write(started[1], b"x")
            os.read(stop[0], 1)
            os._exit(0)
        os.read(started[0], 1)
        # What a kill does to the encoder: its descriptors close.
        partial.close()
        PartialShow.open_or_create(out, fingerprint=FINGERPRINT).close()
        os.close(stop[1])
        os.waitpid(worker, 0)
        for end in (*started, stop[0]):
            os.close(end)


def test_other_settings_are_refused_and_restart_discards(tmp_path, chunks):
    out = tmp_path / "a.lfv"
    with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as partial:
        partial.append(chunks[0])
    before = partial_path(out).read_bytes()
    with pytest.raises(UsageError, match=r"other settings or footage.*--restart"):
        PartialShow.open_or_create(out, fingerprint=b"other")
    assert partial_path(out).read_bytes() == before
    with PartialShow.open_or_create(out, fingerprint=b"other", restart=True) as partial:
        assert partial.chunks == ()


def test_without_a_chunk_other_settings_begin_anew(tmp_path, chunks):
    out = tmp_path / "a.lfv"
    PartialShow.open_or_create(out, fingerprint=b"other").close()
    with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as partial:
        partial.append(chunks[0])
    with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as partial:
        assert len(partial.chunks) == 1


def test_something_else_under_the_journals_name(tmp_path, journal):
    out = tmp_path / "a.lfv"
    damaged = bytearray(journal[0])
    damaged[20] ^= 1
    for data, says in ((b"my diary", "not a partial show"), (bytes(damaged), "damaged header")):
        partial_path(out).write_bytes(data)
        with pytest.raises(FormatError, match=says):
            PartialShow.open_or_create(out, fingerprint=FINGERPRINT)
        assert partial_path(out).read_bytes() == data


def test_only_the_next_chunk_is_taken(tmp_path, chunks):
    with PartialShow.open_or_create(tmp_path / "a.lfv", fingerprint=FINGERPRINT) as partial:
        for wrong in (chunks[1], chunks[0][::-1], [], [b"x"], [chunks[0][0], chunks[1][1]]):
            with pytest.raises(FormatError):
                partial.append(wrong)
        partial.append(chunks[0])
        with pytest.raises(FormatError, match="1 rungs, the one before 2"):
            partial.append(segments(1, rungs=1))
        with pytest.raises(FormatError):
            partial.append(chunks[0])
        assert len(partial.chunks) == 1


def test_a_manifest_of_another_show_finishes_nothing(tmp_path, chunks):
    out = tmp_path / "a.lfv"
    with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as partial:
        with pytest.raises(FormatError, match="no chunk"):
            partial.finalise(manifest(chunks=CHUNKS, rungs=RUNGS))
        partial.append(chunks[0])
        with pytest.raises(FormatError, match="9 frames, index 3"):
            partial.finalise(manifest(chunks=CHUNKS, rungs=RUNGS))
    assert not out.exists() and partial_path(out).exists()


def test_an_older_show_stays_until_the_new_one_is_whole(tmp_path, chunks, wanted):
    out = tmp_path / "a.lfv"
    out.write_bytes(b"older")
    out.with_name("a.lfv.finishing").write_bytes(b"left by a kill")
    with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as partial:
        partial.append(chunks[0])
    assert out.read_bytes() == b"older"
    _go_on(out, chunks)
    assert out.read_bytes() == wanted
    with open_show(out) as show:
        assert len(show.index.chunks) == CHUNKS


def test_output_paths_are_checked_first(tmp_path):
    check_output(tmp_path / "a.lfv")
    for path in (tmp_path, tmp_path / "missing" / "a.lfv", Path("/dev/null")):
        with pytest.raises(UsageError, match=r"; "):
            check_output(path)
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError):
        check_output(tmp_path / "a.lfv")
