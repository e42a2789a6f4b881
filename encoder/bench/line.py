"""One direction of a bad network: what all connections of the proxy share, and how their bytes take turns on it."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import socket

from encoder.bench.impairment import Impairment, resumption, timeline

QUEUE_BYTES = 64 * 1024
SEGMENT_BYTES = 1460  # Ethernet's; loopback's of 64 KiB would let a server fill megabytes of its own send buffer
_FIRST_WINDOW_BYTES = 10 * SEGMENT_BYTES
_MOST_WINDOW_BYTES = 4 << 20  # what Linux lets a connection have on its way
_BURST_S = 0.01  # that the line may catch up after a late timer
_PIECE_S = 0.005
_PIECE_BYTES = 64 * 1024


class Line:
    """One direction: what all connections share."""

    def __init__(self, direction: int) -> None:
        self._direction = direction
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()  # first come, first served
        self._changed = asyncio.Event()
        self.carried = 0

    def impair(self, impairment: Impairment, started: float) -> None:
        self._impairment, self._started = impairment, started
        self._timeline = timeline(impairment, direction=self._direction)
        self._rng = random.Random(2 * impairment.seed + self._direction)
        self._free_at = 0.0
        # Whoever waits for the old impairment's time reckons anew.
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def _now(self) -> float:
        """Seconds of the impairment's clock."""
        return self._loop.time() - self._started

    async def resumed(self, opened: float) -> None:
        """Wait until a connection that was opened at `opened` of the loop's time may send."""
        while (until := resumption(self._impairment, now=self._now, opened=opened - self._started)) > self._now:
            await self._reached(until)

    async def carry(self, source: socket.socket, target: socket.socket, opened: float) -> None:
        """Forward until the source has no more. Raises ConnectionError when an end is lost."""
        window = Window()
        moving: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        take = self._loop.create_task(self._take(source, window, moving, opened))
        deliver = self._loop.create_task(self._deliver(target, window, moving))
        await run_together(take, deliver)

    async def _take(
        self, source: socket.socket, window: Window, moving: asyncio.Queue[tuple[float, bytes]], opened: float
    ) -> None:
        due, data = 0.0, b" "
        while data:
            rate = self._timeline.rate_at(self._now)
            room = await window.room(most=self._most_on_its_way(rate))
            data = await self._loop.sock_recv(source, int(min(max(rate * _PIECE_S, SEGMENT_BYTES), _PIECE_BYTES, room)))
            window.take(len(data))
            await self.resumed(opened)
            await self._pass(len(data))
            jitter = self._rng.uniform(0, self._impairment.jitter_s)
            due = max(due, self._loop.time() + self._impairment.delay_s + jitter)
            moving.put_nowait((due, data))

    def _most_on_its_way(self, rate: float) -> float:
        around_s = 2 * self._impairment.delay_s + self._impairment.jitter_s
        return _MOST_WINDOW_BYTES if math.isinf(rate) else rate * around_s + QUEUE_BYTES

    async def _deliver(self, target: socket.socket, window: Window, moving: asyncio.Queue[tuple[float, bytes]]) -> None:
        while True:
            due, data = await moving.get()
            await asyncio.sleep(due - self._loop.time())
            if not data:
                target.shutdown(socket.SHUT_WR)
                return
            await self._loop.sock_sendall(target, data)
            self._loop.call_later(self._impairment.delay_s, window.give, len(data))

    async def _pass(self, size: int) -> None:
        """Wait for the line, then until `size` bytes have gone over it."""
        async with self._turn:
            while True:
                start = max(self._free_at, self._now - _BURST_S)
                until = self._timeline.finish(start, size)
                if await self._reached(until):
                    break
            self._free_at = until
            self.carried += size

    async def _reached(self, time: float) -> bool:
        """Wait until `time` of the impairment's clock; False where another impairment came first."""
        if time <= self._now:
            return True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if math.isinf(time) else time - self._now):
                await self._changed.wait()
            return False
        return True


class Window:
    """What one direction of a connection may have on its way and not yet acknowledged."""

    def __init__(self) -> None:
        self._allowed = _FIRST_WINDOW_BYTES
        self._used = 0
        self._given = asyncio.Event()

    async def room(self, *, most: float) -> float:
        """Wait until there is room for a segment -> bytes."""
        while (room := min(self._allowed, most) - self._used) < SEGMENT_BYTES:
            self._given.clear()
            await self._given.wait()
        return room

    def take(self, size: int) -> None:
        """So much is on its way."""
        self._used += size

    def give(self, size: int) -> None:
        """So much has been acknowledged: there is room, and the window grows."""
        self._used -= size
        self._allowed = min(self._allowed + size, _MOST_WINDOW_BYTES)
        self._given.set()


async def run_together(*tasks: asyncio.Task[None]) -> None:
    """Wait for all; where one fails or this is cancelled, the others end, too."""
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
