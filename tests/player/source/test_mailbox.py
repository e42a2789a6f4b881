"""Events come in order, news replace older news, and the error comes last."""

from __future__ import annotations

import asyncio
from fractions import Fraction

import pytest

from player.source.mailbox import Mailbox
from protocol.errors import StreamError
from protocol.index import ChunkEntry, Index, SegmentEntry
from protocol.session.client import Arrived, Ended, Event, Grown, Left, Progress


def index(chunks: int) -> Index:
    entry = SegmentEntry(0, 1, bytes(16))
    return Index(tuple(ChunkEntry(Fraction(i), Fraction(1), i, 1, (entry,)) for i in range(chunks)))


def emptied(mailbox: Mailbox) -> list[Event]:
    """All events; a StreamError 'end' must be behind them."""

    async def run() -> list[Event]:
        events = []
        while True:
            try:
                events.append(await asyncio.wait_for(mailbox.get(), 1))
            except StreamError as error:
                assert str(error) == "end"
                return events

    mailbox.fail(StreamError("end"))
    return asyncio.run(run())


def test_events_come_in_order_and_the_first_error_behind_them() -> None:
    mailbox = Mailbox()
    events = [Progress(0, 0, 1, 2), Arrived(0, 0, b"ab"), Left("gone"), Ended()]
    for event in events:
        mailbox.put(event)
    assert mailbox.unread == 2
    mailbox.fail(StreamError("end"))
    mailbox.fail(StreamError("another"))
    assert emptied(mailbox) == events
    assert mailbox.unread == 0


def test_progress_of_one_segment_is_told_once() -> None:
    mailbox = Mailbox()
    for received in range(1, 1000):
        mailbox.put(Progress(3, 1, received, 1000))
    mailbox.put(Arrived(3, 1, b"x"))
    mailbox.put(Progress(4, 1, 5, 1000))
    assert emptied(mailbox)[::2] == [Progress(3, 1, 999, 1000), Progress(4, 1, 5, 1000)]


def test_growth_is_told_once_and_in_front_of_what_it_brings() -> None:
    mailbox = Mailbox()
    for chunks in range(2, 1000):
        mailbox.put(Grown(index(chunks)))
        mailbox.put(Progress(chunks - 1, 0, 1, 2))
        mailbox.put(Arrived(chunks - 1, 0, b"ab"))
    events = emptied(mailbox)
    assert isinstance(events[0], Grown) and len(events[0].index.chunks) == 999
    assert not any(isinstance(event, Grown) for event in events[1:])


def test_what_nobody_wants_any_more_is_dropped() -> None:
    mailbox = Mailbox()
    kept = [Grown(index(3)), Left("gone")]
    for event in (Progress(0, 0, 1, 2), Arrived(0, 0, b"ab"), kept[0], Ended(), kept[1]):
        mailbox.put(event)
    mailbox.drop_segments()
    assert mailbox.unread == 0
    assert emptied(mailbox) == kept


def test_a_receiver_that_is_cancelled_loses_nothing() -> None:
    async def run() -> None:
        mailbox = Mailbox()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(mailbox.get(), 0.01)
        mailbox.put(Ended())
        assert await asyncio.wait_for(mailbox.get(), 1) == Ended()

    asyncio.run(run())
