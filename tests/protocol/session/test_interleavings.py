"""Whatever is asked for and however messages are delayed: the right bytes in order, within the credit, none stale.

A model of four numbers says what each part must be; it knows nothing of how either end works.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.session.client import Arrived, Ended, Grown, Opened, Progress
from protocol.session.growth import growth
from protocol.session.messages import (
    FRONT,
    Appended,
    Credit,
    End,
    Hello,
    Subscribe,
    Switch,
    decode_message,
    decode_part,
    is_part,
)
from tests.protocol.session.pipe import Pipe
from tests.protocol.session.shows import MemoryShow

LENGTHS = st.lists(st.integers(1, 90_000), min_size=2, max_size=2)


@dataclass
class Model:
    """What the server owes, as far as it has heard: the next byte of a chunk, and the credit."""

    show: MemoryShow
    credit: int = 0
    generation: int = 0
    chunk: int = 0
    offset: int = 0
    rung: int = 0
    begun: int = 0  # the rung of the segment under way
    front: int = 0
    told: int = 0  # chunks that the client was told of

    def heard(self, data: bytes) -> None:
        message = decode_message(data)
        if isinstance(message, Hello):
            self.credit, self.told = message.credit, len(self.show.index.chunks)
        elif isinstance(message, Credit):
            self.credit += message.bytes
        elif isinstance(message, Subscribe):
            at = len(self.show.index.chunks) - 1 if message.time is None else self.show.index.chunk_at(message.time)
            self.generation, self.chunk, self.offset, self.rung = message.generation, at, 0, message.rung
        elif isinstance(message, Switch) and message.generation == self.generation:
            self.rung = message.rung

    def sent(self, data: bytes) -> None:
        if not is_part(data):
            message = decode_message(data)
            if isinstance(message, Appended):
                assert message.first == self.told
                self.told = len(self.show.index.chunks)
            if isinstance(message, End):
                assert not self.show.live and message == End(self.generation, self.chunk) and self.offset == 0
            return
        head, payload = decode_part(data)
        self.credit -= len(payload)
        assert self.credit >= 0
        if head.kind == FRONT:
            assert head.offset == self.front
            self.front += len(payload)
            return
        self._segment(head, bytes(payload))

    def _segment(self, head: Any, payload: bytes) -> None:
        if self.offset == 0:
            self.begun = self.rung
        data = self.show.segment(self.chunk, self.begun)
        expected = (self.generation, self.chunk, self.begun, self.offset, len(data))
        assert (head.generation, head.chunk, head.rung, head.offset, head.total) == expected
        assert payload == data[self.offset : self.offset + len(payload)] and self.chunk < self.told
        self.offset += len(payload)
        if self.offset == len(data):
            self.chunk, self.offset = self.chunk + 1, 0


class Watched(Pipe):
    """A pipe whose every message is compared with the model, and whose events with what was asked for last."""

    def __init__(self, show: MemoryShow, *, credit: int) -> None:
        super().__init__(show, credit=credit)
        self.model = Model(show)
        self.asked: int | None = None  # the chunk that must come next; None: the newest, whichever that is
        self.received = 0

    def up(self) -> bool:
        if self.client.outgoing:
            self.model.heard(self.client.outgoing[0])
        moved = super().up()
        assert not self.server.closing
        return moved

    def serve(self) -> bool:
        moved = super().serve()
        if moved:
            self.model.sent(self.on_the_way[-1])
        return moved

    def down(self) -> bool:
        before = len(self.events)
        moved = super().down()
        for event in self.events[before:]:
            self._check(event)
        return moved

    def subscribe(self, chunk: int | None, rung: int) -> None:
        index = self.client.index
        at = None if chunk is None else chunk % len(index.chunks)
        self.client.subscribe(None if at is None else index.chunks[at].start, rung=rung)
        self.asked, self.received = at, 0

    def _check(self, event: Any) -> None:
        if isinstance(event, Progress):
            if self.asked is None:
                self.asked = event.chunk
            assert event.chunk == self.asked and event.received > self.received
            self.received = event.received
        elif isinstance(event, Arrived):
            assert event.chunk == self.asked and event.data == self.show.segment(event.chunk, event.rung)
            self.asked, self.received = event.chunk + 1, 0
        elif isinstance(event, Ended):
            assert self.asked == len(self.show.index.chunks) and not self.show.live


MOVES = st.sampled_from(["up", "serve", "down", "up", "serve", "down", "settle"])
ASKS = st.one_of(
    st.tuples(st.just("subscribe"), st.none() | st.integers(0, 9), st.integers(0, 1)),
    st.tuples(st.just("switch"), st.integers(0, 1)),
    st.tuples(st.just("grant"), st.integers(1, 60_000)),
    st.tuples(st.just("ping"), st.integers(0, 9)),
)
GROWS = st.tuples(st.just("grow"), st.lists(LENGTHS, min_size=1, max_size=2))


def act(pipe: Watched, action: Any) -> None:
    if isinstance(action, str):
        getattr(pipe, action)()
        return
    name, *values = action
    if name == "grow":
        pipe.show.grow(values[0])
    elif name == "grant":
        pipe.client.grant(values[0])
    elif name == "ping":
        pipe.client.ping(values[0])
    elif pipe.model.front < len(pipe.show.front) or not any(isinstance(e, Opened) for e in pipe.events):
        return  # nothing can be asked for before the show is open
    elif name == "subscribe":
        pipe.subscribe(*values)
    elif pipe.asked is not None or pipe.model.generation:
        pipe.client.switch(values[0])


@settings(max_examples=150)
@given(
    st.lists(LENGTHS, min_size=1, max_size=5),
    st.integers(0, 100_000),
    st.booleans(),
    st.lists(MOVES | ASKS, max_size=60),
)
def test_a_finished_show(lengths, credit, open_first, actions):
    pipe = Watched(MemoryShow(lengths), credit=credit)
    if open_first:
        pipe.settle()
    for action in actions:
        act(pipe, action)
    finish(pipe)


@settings(max_examples=60)
@given(st.lists(LENGTHS, min_size=1, max_size=3), st.lists(MOVES | ASKS | GROWS, max_size=50))
def test_a_live_show(lengths, actions):
    pipe = Watched(MemoryShow(lengths, live=True), credit=30_000)
    pipe.settle(window=30_000)
    pipe.subscribe(None, 0)
    for action in actions:
        act(pipe, action)
    pipe.settle(window=200_000)
    assert pipe.client.index.chunks == pipe.model.show.index.chunks or any(isinstance(e, Grown) for e in pipe.events)
    assert not any(isinstance(e, Ended) for e in pipe.events)
    pipe.show.finish()
    finish(pipe)


def finish(pipe: Watched) -> None:
    """From wherever it stands, everything comes once credit does, and from any chunk once more after a seek."""
    pipe.settle(window=200_000)
    for chunk in (0, None):
        pipe.subscribe(chunk, 1)
        events = pipe.settle(window=200_000)
        assert isinstance(events[-1], Ended) and sum(isinstance(e, Ended) for e in events) == 1
    assert pipe.model.credit == pipe.client.granted and not pipe.client.due


@pytest.mark.parametrize("chunks", [1, 300])
def test_a_live_show_whose_index_outgrows_its_place(chunks):
    """The segments of a longer show lie further behind: clients that came early and late are told the same."""
    show = MemoryShow([[10, 11]] * 2, live=True)
    early = Pipe(show)
    early.settle()
    first = show.index.chunks[0].segments[0].offset
    show.grow([[12, 13]] * chunks)
    moved = show.index.chunks[0].segments[0].offset - first
    assert (moved > 0) == (chunks > 1)
    late = Pipe(show)
    for pipe in (early, late):
        pipe.settle()
        pipe.client.subscribe(None, rung=0)
        pipe.settle()
    show.grow([[14, 15]])
    for pipe in (early, late):
        pipe.settle()
        assert [e.chunk for e in pipe.events if isinstance(e, Arrived)] == [chunks + 1, chunks + 2]
    assert late.client.index == show.index
    back = growth(early.client.index, 0, first_segment=show.index.chunks[0].segments[0].offset)
    assert back == growth(show.index, 0, first_segment=show.index.chunks[0].segments[0].offset)


def test_many_new_chunks_come_in_several_messages():
    show = MemoryShow([[5] * 8], live=True)
    pipe = Pipe(show)
    pipe.settle()
    show.grow([[5] * 8] * 300)
    grown = [e for e in pipe.settle() if isinstance(e, Grown)]
    assert [len(e.index.chunks) for e in grown] == [129, 257, 301]
    assert pipe.client.index == grown[-1].index
