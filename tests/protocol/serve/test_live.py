"""A relay follows an encoder's journal: what it serves at any moment is a whole show, whatever the encoder does."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from protocol.container import check_segment, decode_front
from protocol.errors import StorageError, StreamError
from protocol.header import encode_front, first_segment_offset, settled
from protocol.index import Index, laid_out
from protocol.journal import HEADER_BYTES
from protocol.manifest import encode_manifest
from protocol.partial import PartialShow, partial_path
from protocol.serve.broadcast import Broadcast
from protocol.serve.live import Follower, LiveShow
from protocol.serve.shelf import ServedShow, StaticShow
from protocol.session.messages import Error
from tests.protocol.examples import FINGERPRINT, manifest, segments, write_show
from tests.protocol.serve.viewer import Viewer

RUNGS = 2
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "steak.lfv"


@pytest.fixture
def encoder(out: Path) -> Iterator[PartialShow]:
    with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as journal:
        yield journal


def first_notes(rungs: int = RUNGS) -> bytes:
    return encode_manifest(manifest(chunks=1, rungs=rungs))


def append(journal: PartialShow, *, rungs: int = RUNGS) -> None:
    number = len(journal.chunks)
    journal.append(segments(number, rungs=rungs), notes=b"" if number else first_notes(rungs))


def finish(journal: PartialShow) -> None:
    journal.finalise(settled(manifest(rungs=RUNGS), journal.index()))


async def look(live: LiveShow) -> None:
    """What the server's timer does, and then everybody who is told."""
    live.poll()
    await asyncio.sleep(0)


def run(test: Coroutine[None, None, None]) -> None:
    asyncio.run(test)


def refusal(live: LiveShow) -> str:
    with pytest.raises(StreamError) as error:
        live.current()
    assert error.value.code == "busy"
    return str(error.value)


def check_lost(viewer: Viewer, says: str) -> None:
    """The session has ended with an error in words."""
    with pytest.raises(StreamError, match=says):
        viewer.pump()
    parting = viewer.delivery.parting
    assert isinstance(parting, Error) and parting.code == "storage"


def check_front(show: ServedShow, chunks: int) -> None:
    """Header, manifest and index belong to a whole show of so many chunks."""
    header, told, index = decode_front(show.front, name="front")
    assert len(show.front) == header.front_bytes
    assert len(index.chunks) == len(show.index.chunks) == chunks
    assert told.frame_count == show.manifest.frame_count == 3 * chunks
    for number, (here, there) in enumerate(zip(index.chunks, show.index.chunks, strict=True)):
        for rung, (a, b) in enumerate(zip(here.segments, there.segments, strict=True)):
            assert (a.length, a.digest) == (b.length, b.digest)
            check_segment(index, number, rung, show.read(number, rung, 0, a.length))


def test_nothing_then_a_broadcast_then_the_finished_show(out: Path) -> None:
    async def test() -> None:
        live = LiveShow(out)
        await look(live)
        assert live.name == "steak" and "has not begun yet" in refusal(live)
        with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as journal:
            await look(live)
            assert "has not begun yet" in refusal(live)
            append(journal)
            await look(live)
            show = live.current()
            assert show.live and show.name == "steak" and not show.lost
            check_front(show, 1)
            for number in range(1, 4):
                append(journal)
                await look(live)
                assert live.current() is show
                check_front(show, number + 1)
            append(journal)
            finish(journal)
        await look(live)  # reads the last chunk
        await look(live)
        assert not show.live and isinstance(live.current(), StaticShow)
        check_front(show, 5)
        check_front(live.current(), 5)
        # What it said at the end is what the file says.
        assert show.front == live.current().front
        live.close()

    run(test())


def test_sessions_get_all_chunks_and_the_end(out: Path, encoder: PartialShow) -> None:
    async def test() -> None:
        live = LiveShow(out)
        append(encoder)
        await look(live)
        early = Viewer(live)
        assert sorted(early.arrived) == [0]
        for _ in range(3):
            append(encoder)
        await look(live)
        assert early.woken == 1
        early.pump()
        late = Viewer(live, time=None, rung=1)
        assert sorted(early.arrived) == [0, 1, 2, 3] and sorted(late.arrived) == [3]
        append(encoder)
        finish(encoder)
        await look(live)
        await look(live)
        for viewer in (early, late):
            viewer.pump()
            assert viewer.ended and len(viewer.index.chunks) == 5
        assert sorted(early.arrived) == [0, 1, 2, 3, 4] and sorted(late.arrived) == [3, 4]
        # Those who stay go back in what is no longer there under any name.
        early.client.subscribe(Fraction(0), rung=1)
        early.pump()
        after = Viewer(live)
        assert sorted(after.arrived) == [0, 1, 2, 3, 4] and after.ended
        live.close()

    run(test())


def test_a_client_of_any_age_can_follow(out: Path, encoder: PartialShow) -> None:
    """The longer the index, the farther behind the segments: clients who came at other times have other offsets."""

    def front(show: ServedShow) -> bytes:
        start = first_segment_offset(show.manifest, len(show.index.chunks))
        return encode_front(show.manifest, Index(laid_out(show.index.chunks, start)))

    async def test() -> None:
        live, viewers = LiveShow(out), []
        for number in range(80):
            append(encoder)
            await look(live)
            if number % 9 == 0:
                viewers.append(Viewer(live, time=None))
                assert live.current().front == front(live.current()).rstrip(b"\0")
        starts = set()
        for viewer in viewers:
            viewer.pump()
            assert len(viewer.index.chunks) == 80 and max(viewer.arrived) == 79
            starts.add(viewer.index.chunks[0].segments[0].offset)
        assert len(starts) > 1
        live.close()

    run(test())


def test_what_is_not_complete_is_not_there(tmp_path: Path, out: Path, encoder: PartialShow) -> None:
    async def test() -> None:
        ends = [HEADER_BYTES]
        for _ in range(2):
            append(encoder)
            ends.append(partial_path(out).stat().st_size)
        data = partial_path(out).read_bytes()
        copy = tmp_path / "copy.lfv"
        live = LiveShow(copy)
        cuts = sorted({*range(0, len(data), 97), *(e + d for e in ends for d in (-1, 0, 1) if e + d <= len(data))})
        with partial_path(copy).open("wb", buffering=0) as file:
            for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
                file.write(data[start:end])
                await look(live)
                complete = sum(e <= end for e in ends[1:])
                if complete:
                    assert len(live.current().index.chunks) == complete
                else:
                    assert "has not begun yet" in refusal(live)
        live.close()

    run(test())


@pytest.mark.parametrize("how", ["seen empty", "seen shorter", "seen longer"])
def test_an_encoder_that_begins_anew(out: Path, how: str) -> None:
    """`--restart` cuts the file that sessions are reading; the relay may look at any time after that."""

    async def test() -> None:
        live = LiveShow(out)
        with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as journal:
            for _ in range(2):
                append(journal)
        await look(live)
        viewer, show = Viewer(live), live.current()
        with PartialShow.open_or_create(out, fingerprint=FINGERPRINT, restart=True) as journal:
            if how == "seen empty":
                with pytest.raises(StorageError):
                    show.read(1, 0, 0, 1)
                await look(live)
                assert "has not begun yet" in refusal(live)
            for _ in range({"seen empty": 1, "seen shorter": 1, "seen longer": 3}[how]):
                # Other chunks than those before.
                number = len(journal.chunks)
                other = first_notes() if number == 0 else b""
                journal.append(segments(number, rungs=RUNGS, sound=False), notes=other)
            await look(live)
            await look(live)
            assert show.lost and viewer.woken == 1
            check_lost(viewer, "begun anew")
            assert live.current() is not show
            check_front(live.current(), len(journal.chunks))
            assert sorted(Viewer(live).arrived) == list(range(len(journal.chunks)))
        live.close()

    run(test())


def test_an_encoder_that_is_killed_may_go_on(tmp_path: Path, out: Path) -> None:
    """It leaves half a record; the show stays live, and goes on with the encoder."""
    with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as journal:
        for _ in range(2):
            append(journal)
    whole = partial_path(out).read_bytes()

    async def test() -> None:
        live = LiveShow(out)
        rng = random.Random(1)
        for _ in range(5):
            partial_path(out).write_bytes(whole[:HEADER_BYTES])  # in place: another run
            await look(live)
            with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as journal:
                append(journal)
                end = partial_path(out).stat().st_size
            await look(live)
            viewer = Viewer(live)
            with partial_path(out).open("r+b") as file:
                file.seek(end)
                file.write(whole[end : rng.randrange(end + 1, len(whole))])
            await look(live)
            assert live.current().live and not live.current().lost
            with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as journal:
                await look(live)
                append(journal)
                await look(live)
            viewer.pump()
            assert sorted(viewer.arrived) == [0, 1]
        live.close()

    run(test())


def test_a_finished_show_is_served_until_another_begins(out: Path) -> None:
    async def test() -> None:
        write_show(out, chunks=2, rungs=RUNGS)
        live = LiveShow(out)
        await look(live)
        old = live.current()
        assert not old.live
        viewer = Viewer(live)
        with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as journal:
            await look(live)
            assert live.current() is old
            append(journal)
            await look(live)
            assert live.current().live
            for _ in range(2):
                append(journal)
            finish(journal)
        await look(live)
        await look(live)
        check_front(live.current(), 3)
        # The older file has no name any more, and is still read by who has it.
        viewer.client.subscribe(Fraction(0), rung=1)
        viewer.pump()
        assert len(viewer.index.chunks) == 2 and viewer.ended
        live.close()

    run(test())


def test_a_journal_that_is_taken_away(out: Path, encoder: PartialShow) -> None:
    async def test() -> None:
        live = LiveShow(out)
        append(encoder)
        await look(live)
        viewer = Viewer(live)
        partial_path(out).unlink()
        await look(live)
        check_lost(viewer, "has stopped or begun anew")
        await look(live)
        assert "has not begun yet" in refusal(live)
        # An older show under that name does not count as its end.
        with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as other:
            append(other)
            await look(live)
            show = live.current()
            write_show(out.with_name("x.lfv"), chunks=3, rungs=RUNGS)
            out.with_name("x.lfv").rename(out)
            partial_path(out).unlink()
        await look(live)
        assert show.lost
        await look(live)
        check_front(live.current(), 3)
        live.close()

    run(test())


def _damaged(data: bytes, where: int) -> bytes:
    return data[:where] + bytes([data[where] ^ 1]) + data[where + 1 :]


def test_what_is_no_journal_is_refused_until_it_is_one(out: Path, caplog: pytest.LogCaptureFixture) -> None:
    with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as journal:
        append(journal)
    good = partial_path(out).read_bytes()
    with PartialShow.open_or_create(out, fingerprint=FINGERPRINT, restart=True) as journal:
        journal.append(segments(0, rungs=RUNGS), notes=b"my own notes")
    other_notes = partial_path(out).read_bytes()
    with PartialShow.open_or_create(out, fingerprint=FINGERPRINT, restart=True) as journal:
        journal.append(segments(0, rungs=RUNGS), notes=encode_manifest(manifest(chunks=1, rungs=1)))
    other_rungs = partial_path(out).read_bytes()

    async def test() -> None:
        live = LiveShow(out)
        for bad in (b"my diary", _damaged(good, 20), other_notes, other_rungs):
            partial_path(out).write_bytes(bad)
            caplog.clear()
            for _ in range(3):
                await look(live)
                assert "cannot be read" in refusal(live)
            assert len(caplog.records) == 1 and str(partial_path(out)) in caplog.text
            assert str(out.parent) not in refusal(live)
            partial_path(out).unlink()
            await look(live)
            assert "has not begun yet" in refusal(live)
            partial_path(out).write_bytes(good)
            await look(live)
            check_front(live.current(), 1)
            partial_path(out).unlink()
            await look(live)
        live.close()

    run(test())


def test_a_record_that_is_not_the_next_chunk(tmp_path: Path, out: Path, encoder: PartialShow) -> None:
    """It is whole and right, and yet does not follow: nobody crashes, and nothing of it is served."""

    async def test() -> None:
        live = LiveShow(out)
        append(encoder)
        await look(live)
        viewer = Viewer(live)
        other = tmp_path / "other.lfv"
        with PartialShow.open_or_create(other, fingerprint=FINGERPRINT) as journal:
            journal.append(segments(0, rungs=RUNGS, frames=4), notes=first_notes())
            start = partial_path(other).stat().st_size
            journal.append(segments(1, rungs=RUNGS, frames=4))
        with partial_path(out).open("ab") as file:
            file.write(partial_path(other).read_bytes()[start:])
        await look(live)
        check_lost(viewer, "has stopped or begun anew")
        await look(live)
        assert "cannot be read" in refusal(live)
        live.close()

    run(test())


def test_a_long_journal_is_taken_up_in_pieces(out: Path, encoder: PartialShow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocol.serve.journal_tail._AT_ONCE", 1)

    async def test() -> None:
        for _ in range(4):
            append(encoder)
        live = LiveShow(out)
        for number in range(4):
            await look(live)
            assert len(live.current().index.chunks) == number + 1
        append(encoder)
        append(encoder)
        finish(encoder)
        for _ in range(3):
            await look(live)
        assert not live.current().live
        check_front(live.current(), 6)
        live.close()

    run(test())


def _open_files(out: Path) -> list[str]:
    gc.collect()
    links = []
    for name in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:
            continue
    return [link for link in links if link.startswith(str(out))]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_files_are_closed_with_the_last_session(out: Path) -> None:
    async def test() -> None:
        live, viewers = LiveShow(out), []
        for _ in range(3):
            with PartialShow.open_or_create(out, fingerprint=FINGERPRINT) as journal:
                append(journal)
                await look(live)
                viewers.append(Viewer(live))
                finish(journal)
            await look(live)
            viewers.append(Viewer(live))
        assert len(_open_files(out)) == 6
        for viewer in viewers:
            viewer.delivery.close()
        viewers.clear()
        del viewer
        assert len(_open_files(out)) == 1
        live.close()
        assert not _open_files(out)

    run(test())


@contextmanager
def appending(show: Path, out: Path, *, speed: float) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-s", "-m", "samples.append_live", str(show), str(out), "--speed", str(speed)]
    with subprocess.Popen(words, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_an_encoder_in_another_process(tmp_path: Path, out: Path) -> None:
    """By the server's own timer, from before it begins until after its end."""
    show = tmp_path / "show.lfv"
    write_show(show, chunks=6, rungs=RUNGS)

    async def test() -> None:
        live = LiveShow(out)
        follower = Follower([live])
        follower.start()
        with appending(show, out, speed=1.0) as process:
            viewer = None
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                await asyncio.sleep(0.01)
                if viewer is None:
                    try:
                        viewer = Viewer(live)
                    except StreamError:
                        continue
                    assert live.current().live
                viewer.pump()
                if viewer.ended:
                    break
            assert viewer is not None and viewer.ended and sorted(viewer.arrived) == list(range(6))
            assert viewer.woken > 1  # a wake may be for several chunks that came at once
            assert process.wait(10) == 0
            assert process.stdout is not None
            assert process.stdout.read().split("\n")[:-1] == [f"chunk {number}" for number in range(6)]
        follower.stop()
        live.close()

    run(test())
    assert out.read_bytes() == show.read_bytes()


def test_an_encoder_killed_in_another_process(tmp_path: Path, out: Path) -> None:
    show = tmp_path / "show.lfv"
    write_show(show, chunks=50, rungs=RUNGS)

    async def test() -> None:
        live = LiveShow(out)
        with appending(show, out, speed=2.0) as process:
            assert process.stdout is not None
            for _ in range(3):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            process.wait()
        await look(live)
        assert live.current().live
        viewer = Viewer(live)
        assert len(viewer.arrived) >= 3 and not viewer.ended
        live.close()

    run(test())


def test_the_manifest_follows_the_chunks(out: Path, encoder: PartialShow) -> None:
    async def test() -> None:
        live = LiveShow(out)
        for _ in range(3):
            append(encoder)
        await look(live)
        show = live.current()
        assert isinstance(show, Broadcast)
        draft = manifest(chunks=1, rungs=RUNGS)
        rates = [show.index.bits_per_second(rung) for rung in range(RUNGS)]
        wanted = replace(
            draft,
            frame_count=9,
            duration=3 * draft.duration,
            rungs=tuple(replace(r, bits_per_second=rate) for r, rate in zip(draft.rungs, rates, strict=True)),
        )
        assert encode_manifest(show.manifest) == encode_manifest(wanted)
        live.close()

    run(test())
