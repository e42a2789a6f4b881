"""The buffer between the network's thread and the decoder's: bounded, complete, damaged segments come twice at most."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.cache import Segment, SegmentCache
from player.segments import Reach, SegmentBuffer
from protocol.container import Show, open_show
from protocol.errors import FormatError, StreamError
from protocol.index import Index
from tests.player.shows import CHUNKS

REACH = Reach(seconds=60.0, memory=1 << 20)


@pytest.fixture
def show(show_path: Path):
    with open_show(show_path) as opened:
        yield opened


def never() -> bool:
    return False


def buffer_of(show: Show, *, loop: bool = False, live: bool = False, reach: Reach = REACH) -> SegmentBuffer:
    return SegmentBuffer(show.index, reach, position=0, live=live, loop=loop)


def filled(buffer: SegmentBuffer, show: Show) -> list[int]:
    """Puts what is missing until nothing is -> the chunks in order."""
    put = []
    while (chunk := buffer.missing()) is not None:
        buffer.put(chunk, 0, show.read_segment(chunk, 0))
        put.append(chunk)
        assert len(put) <= 2 * CHUNKS
    return put


def test_fills_to_the_end_and_gives_what_the_file_gives(show: Show) -> None:
    buffer = buffer_of(show)
    assert filled(buffer, show) == [0, 1, 2]
    assert buffer.ahead_s() == pytest.approx(float(show.index.duration))
    assert [buffer.take(number, never) for number in range(3)] == [show.read_chunk(n, 0) for n in range(3)]
    assert buffer.take(3, never) is None


def test_a_loop_goes_on_with_the_start(show: Show) -> None:
    buffer = buffer_of(show, loop=True)
    buffer.put(2, 0, show.read_segment(2, 0))
    assert buffer.take(2, never) is not None
    assert buffer.missing() == 0


def test_reaches_no_further_than_asked(show: Show) -> None:
    buffer = buffer_of(show, reach=Reach(float(show.index.chunks[0].duration), 1 << 20))
    assert filled(buffer, show) == [0]
    assert buffer.take(1, lambda: True) is None
    assert buffer.missing() == 1


def test_a_seek_tells_the_network(show: Show) -> None:
    buffer, moves = buffer_of(show), []
    buffer.on_move = lambda: moves.append(buffer.missing())
    assert buffer.take(2, lambda: True) is None
    assert moves == [2]


def test_waits_for_what_comes(show: Show) -> None:
    buffer = buffer_of(show)
    timer = threading.Timer(0.05, lambda: buffer.put(1, 0, show.read_segment(1, 0)))
    timer.start()
    chunk = buffer.take(1, never)
    timer.join()
    assert chunk is not None and chunk.index == 1


def test_a_live_show_grows_and_ends(show: Show) -> None:
    first = Index(show.index.chunks[:1])
    buffer = SegmentBuffer(first, REACH, position=0, live=True, loop=False)
    buffer.put(0, 0, show.read_segment(0, 0))
    assert buffer.missing() == 1
    buffer.extend(show.index)
    buffer.finish()
    assert filled(buffer, show) == [1, 2]
    assert not buffer.live and buffer.missing() is None


def test_damage_is_fetched_once_more(show: Show) -> None:
    buffer, good = buffer_of(show), show.read_segment(0, 0)
    buffer.put(0, 0, good[:-1] + bytes([good[-1] ^ 1]))
    threading.Timer(0.05, lambda: buffer.put(0, 0, good)).start()
    assert buffer.take(0, never) == show.read_chunk(0, 0)


def test_damage_that_stays_is_told(show: Show) -> None:
    buffer, bad = buffer_of(show), show.read_segment(0, 0)[:-1]
    buffer.put(0, 0, bad)
    threading.Timer(0.05, lambda: buffer.put(0, 0, bad)).start()
    with pytest.raises(FormatError, match="chunk 0 rung 0 is cut short"):
        buffer.take(0, never)


def test_what_is_here_plays_although_the_network_has_failed(show: Show) -> None:
    buffer = buffer_of(show)
    buffer.put(0, 0, show.read_segment(0, 0))
    buffer.fail(StreamError("gone"))
    assert buffer.take(0, never) is not None
    with pytest.raises(StreamError, match="gone"):
        buffer.take(1, never)


@given(
    st.integers(1, 2000),
    st.lists(st.tuples(st.integers(0, 19), st.integers(1, 900), st.integers(0, 19)), min_size=1, max_size=60),
)
def test_a_cache_keeps_to_its_size_and_to_what_is_played_next(capacity: int, puts: list[tuple[int, int, int]]) -> None:
    cache = SegmentCache(capacity)
    for chunk, size, position in puts:
        cache.put(chunk, Segment(0, b"", size), position=position, count=20)
        kept = [c for c in range(20) if c in cache]
        assert cache.size == sum(segment.size for c in kept if (segment := cache.get(c)) is not None)
        assert cache.size <= capacity or len(kept) == 1
        assert cache.run(position) == next((i for i in range(21) if position + i not in cache), 21)
