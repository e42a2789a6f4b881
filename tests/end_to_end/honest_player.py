"""A player that watches a show over and over in a thread of its own, and checks every byte of it."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field
from fractions import Fraction

from player.source.address import parse_address
from player.source.link import LinkOptions, open_link
from protocol.container import check_segment
from protocol.session.client import Arrived, Ended

PAUSE_S = 0.02  # between two segments: it is one of many


@dataclass
class HonestPlayer:
    """Start it, let others do their worst, then `stop` it.

    Attributes:
        segments: that have come and are right.
        longest_wait_s: between two of them.
        error: what ended it.
    """

    url: str
    options: LinkOptions = field(default_factory=LinkOptions)
    segments: int = 0
    longest_wait_s: float = 0.0
    error: BaseException | None = None

    def start(self) -> HonestPlayer:
        self._stop = False
        self._thread = threading.Thread(target=self._run, name=f"honest {self.url}")
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stop = True
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._watch())
        except BaseException as error:
            self.error = error

    async def _watch(self) -> None:
        link = open_link(parse_address(self.url), self.options)
        try:
            index = (await link.open()).index
            link.begin(Fraction(0), 0)
            last = time.monotonic()
            while not self._stop:
                event = await link.receive()
                if isinstance(event, Ended):
                    link.begin(Fraction(0), 0)
                if not isinstance(event, Arrived):
                    continue
                check_segment(index, event.chunk, event.rung, event.data)
                self.longest_wait_s = max(self.longest_wait_s, time.monotonic() - last)
                self.segments += 1
                await asyncio.sleep(PAUSE_S)
                last = time.monotonic()
        finally:
            await link.close()
