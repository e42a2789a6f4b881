"""A client of a shelf without any wire between: what it receives is checked against the index that it was told."""

from __future__ import annotations

from fractions import Fraction

from protocol.container import check_segment
from protocol.index import Index
from protocol.serve.delivery import Delivery
from protocol.serve.metrics import Metrics
from protocol.serve.shelf import FilePart, Place, Shelf
from protocol.session.client import Arrived, ClientSession, Ended, Event

CREDIT = 1 << 20


class Viewer:
    """Opens the place's show, asks for all of it, and keeps what comes."""

    def __init__(self, place: Place, *, time: Fraction | None = Fraction(0), rung: int = 0) -> None:
        shelf = Shelf()
        shelf.add(place)
        self.woken = 0
        self.delivery = Delivery(shelf, Metrics(), transport="zeromq", wake=self._wake, now=0.0)
        self.client = ClientSession(show=place.name, token="", agent="test", credit=CREDIT)
        self.arrived: dict[int, bytes] = {}
        self.ended = False
        self.pump()
        self.client.subscribe(time, rung=rung)
        self.pump()

    @property
    def index(self) -> Index:
        return self.client.index

    def pump(self) -> list[Event]:
        """Carry messages to and fro until nobody has any. Raises StreamError where the server refuses."""
        events: list[Event] = []
        while True:
            while self.client.outgoing:
                self.delivery.receive(self.client.outgoing.popleft(), now=0.0)
            message = self.delivery.next_unread()
            if message is None:
                return events
            head, payload = message
            data = payload.read(payload.start, payload.length) if isinstance(payload, FilePart) else payload
            for event in self.client.receive(head + data):
                events.append(event)
                self._take(event)
            if self.client.granted < CREDIT // 2:
                self.client.grant(CREDIT // 2)

    def _take(self, event: Event) -> None:
        if isinstance(event, Arrived):
            check_segment(self.client.index, event.chunk, event.rung, event.data)
            self.arrived[event.chunk] = event.data
        self.ended |= isinstance(event, Ended)

    def _wake(self) -> None:
        self.woken += 1
