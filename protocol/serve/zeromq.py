"""Sessions over ZeroMQ: one ROUTER socket, driven by the server's loop. SPEC section 8.1."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque

import zmq

from protocol.errors import StorageError
from protocol.serve.access import is_local
from protocol.serve.buffers import BufferPool
from protocol.serve.delivery import Delivery
from protocol.serve.metrics import Metrics
from protocol.serve.shelf import Shelf
from protocol.serve.zeromq_doors import Door, Doors
from protocol.serve.zeromq_peer import Outcome, Peer
from protocol.serve.zeromq_socket import ZeromqConfig, listen, set_options
from protocol.session.messages import PART_HEADER_BYTES

__all__ = ["ZeromqConfig", "ZeromqServer"]

log = logging.getLogger(__name__)

KIND = "zeromq"
_AT_ONCE = 64  # messages that are read before it is sent again
_TURN_S = 0.004  # before others on the loop have their turn
_LEAST_RETRY_S = 0.005
_IN_WORDS = 64  # connections over the limit that are told so; more are cut without a word
_LINGER_MS = 1_000  # for the goodbyes, at the end
_LAST_WORDS_S = 3.0
_EVENTS, _POLLIN = int(zmq.EVENTS), int(zmq.POLLIN)
_GOING = "the server is going away"


class ZeromqServer:
    """Delivers a shelf over ZeroMQ. `start`, then `drain` where there is time, then `close`."""

    def __init__(self, shelf: Shelf, metrics: Metrics, config: ZeromqConfig) -> None:
        """Listen on the running loop, from `start` on. The shelf stays the caller's."""
        self.config = config
        self.port = 0
        self._loop = asyncio.get_running_loop()
        self._shelf, self._metrics = shelf, metrics
        self._peers: dict[bytes, Peer] = {}
        self._ready: deque[Peer] = deque()
        self._full: set[Peer] = set()
        self._pool = BufferPool(extra=PART_HEADER_BYTES)
        self._draining = self._closed = self._due = False
        self._retry: asyncio.TimerHandle | None = None
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._router = self._context.socket(zmq.ROUTER)
        self._doors = Doors(self._router, opened=self._enter, closed=self._leave, stall_s=config.stall_s)
        set_options(self._router, config)

    async def start(self) -> None:
        """Listen. Raises StorageError where the address is taken or is none of this machine's."""
        try:
            self.port = await listen(self._router, self.config)
        except StorageError:
            await self.close()
            raise
        self._loop.add_reader(self._router.fileno(), self._turn)
        self._loop.add_reader(self._doors.monitor.fileno(), self._look_at_doors)
        # The first look arms the descriptors, which tell of changes only.
        self._look_at_doors()
        self._turn_soon()
        self._sweep()

    async def drain(self, seconds: float, *, enough: asyncio.Event | None = None) -> bool:
        """Take nothing new, end what is under way within `seconds` or until `enough` -> whether all of it ended."""
        self._draining = True
        self._say_goodbye(at_once=False)
        ended = await self._until_idle(self._loop.time() + seconds, enough)
        self._say_goodbye(at_once=True)
        if enough is None or not enough.is_set():
            await self._until_idle(self._loop.time() + _LAST_WORDS_S, enough)
        return ended

    async def close(self) -> None:
        """Cut what is still there and stop listening. Harmless when called again."""
        if self._closed:
            return
        self._closed = True
        for timer in (self._retry, self._sweep_timer):
            if timer is not None:
                timer.cancel()
        for source in (self._router, self._doors.monitor):
            self._loop.remove_reader(source.fileno())
        self._doors.close()
        self._router.close(_LINGER_MS)
        await asyncio.to_thread(self._context.term)

    def _look_at_doors(self) -> None:
        self._doors.update(self._loop.time())

    def _turn_soon(self) -> None:
        if not self._due and not self._closed:
            self._due = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Take what has come and send what may be sent, peer after peer, until there is no more of either."""
        self._due = False
        if self._closed:
            return
        until = time.perf_counter() + _TURN_S
        self._revive()
        asked = False
        while True:
            if self._send() | self._receive():
                asked = False
                if time.perf_counter() > until:
                    self._turn_soon()
                    return
            elif asked or not self._revive():
                break
            else:
                # Asking what has come may have taken the news off the descriptor that a peer takes more.
                asked = True
        self._retry_later()

    def _revive(self) -> bool:
        """Let those try again for whom it is time -> whether there are any."""
        now = self._loop.time()
        due = [peer for peer in self._full if peer.retry_at <= now]
        for peer in due:
            self._queue(peer)
        return bool(due)

    def _receive(self) -> bool:
        """Take what has come -> whether there was any."""
        for count in range(_AT_ONCE):
            if not int(self._router.get(_EVENTS)) & _POLLIN:
                return count > 0
            identity = self._router.recv()
            frame, frames = self._router.recv(copy=False), 1
            while frame.more:
                frame, frames = self._router.recv(copy=False), frames + 1
            peer = self._peers.get(identity) or self._admit(identity, frame)
            if peer is not None:
                self._take(peer, frame.bytes if frames == 1 else None)
        return True

    def _admit(self, identity: bytes, frame: zmq.Frame) -> Peer | None:
        """The peer that was not heard of before; None where it has gone already."""
        now = self._loop.time()
        self._doors.update(now)
        door = self._doors.of(frame)
        if door is None:
            return None
        if door.identity is not None:
            # Another connection had this descriptor and has ended.
            self._forget(door.identity)
        door.identity = identity
        delivery = Delivery(
            self._shelf, self._metrics, transport=KIND, wake=lambda: self._wake(identity), now=self._loop.time()
        )
        if door.busy is not None:
            delivery.fail("busy", door.busy)
        elif self._draining:
            delivery.leave(_GOING, at_once=True)
        peer = self._peers[identity] = Peer(identity, door, delivery)
        return peer

    def _take(self, peer: Peer, data: bytes | None) -> None:
        peer.door.messages += 1
        if data is None:
            peer.delivery.fail("message", "a message over ZeroMQ is one frame")
        else:
            peer.delivery.receive(data, now=self._loop.time())
        self._queue(peer)

    def _wake(self, identity: bytes) -> None:
        peer = self._peers.get(identity)
        if peer is not None and peer not in self._full:
            self._queue(peer)
            self._turn_soon()

    def _queue(self, peer: Peer) -> None:
        self._full.discard(peer)
        if not peer.queued:
            peer.queued = True
            self._ready.append(peer)

    def _send(self) -> bool:
        """One message to each peer that takes one -> whether there was any."""
        now, sent = self._loop.time(), False
        for _ in range(len(self._ready)):
            peer = self._ready.popleft()
            peer.queued = False
            if self._peers.get(peer.identity) is not peer:
                continue
            outcome, size = peer.send(self._router, self._pool, now)
            if outcome is Outcome.SENT:
                self._metrics.sent[KIND] += size
                self._queue(peer)
                sent = True
            elif outcome is Outcome.FULL:
                self._full.add(peer)
            elif outcome is Outcome.GONE:
                self._forget(peer.identity)
            elif peer.delivery.closing and peer.over_at is None:
                peer.over_at = now
        return sent

    def _retry_later(self) -> None:
        """ZeroMQ tells when a peer takes more again, but any call may have swallowed that."""
        if not self._full:
            return
        at = max(min(peer.retry_at for peer in self._full), self._loop.time() + _LEAST_RETRY_S)
        if self._retry is not None:
            if self._retry.when() <= at:
                return
            self._retry.cancel()
        self._retry = self._loop.call_at(at, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self._turn()

    def _enter(self, door: Door) -> None:
        self._metrics.opened(KIND)
        count, own = len(self._doors), self._doors.count_of(door.address)
        most, most_own = self.config.max_clients, self.config.max_per_address
        remote = not is_local(door.address)
        if count > most:
            door.busy = f"the server has {most} clients and takes no more; try again later"
        elif remote and own > most_own:
            door.busy = f"the server takes {most_own} connections of one address; close some"
        if door.busy is not None:
            self._metrics.refused["busy"] += 1
            if count > most + _IN_WORDS or (remote and own > most_own + _IN_WORDS):
                door.cut()

    def _leave(self, door: Door) -> None:
        self._metrics.closed(KIND)
        if door.identity is not None:
            self._forget(door.identity)

    def _forget(self, identity: bytes) -> None:
        peer = self._peers.pop(identity, None)
        if peer is not None:
            self._full.discard(peer)
            peer.delivery.close()

    def _sweep(self) -> None:
        """Enforce all deadlines."""
        self._sweep_timer = self._loop.call_later(self.config.sweep_s, self._sweep)
        now = self._loop.time()
        self._doors.update(now)
        for door in self._doors:
            if door.identity is None and now - door.since > self.config.hello_s:
                self._cut(door, "slow")
            elif door.floods():
                self._cut(door, "flood")
        for peer in list(self._peers.values()):
            peer.delivery.tick(now)
            if peer.over_at is not None:
                if now - peer.over_at > self.config.linger_s:
                    peer.door.close()
            elif peer.delivery.closing and peer not in self._full:
                self._queue(peer)
        self._turn_soon()

    def _cut(self, door: Door, reason: str) -> None:
        log.info("connection from %s cut: %s", door.address, reason)
        self._metrics.refused[reason] += 1
        door.cut()

    def _say_goodbye(self, *, at_once: bool) -> None:
        for peer in self._peers.values():
            peer.delivery.leave(_GOING, at_once=at_once)
            self._queue(peer)
        self._turn_soon()

    async def _until_idle(self, deadline: float, enough: asyncio.Event | None) -> bool:
        while any(peer.over_at is None for peer in self._peers.values()):
            if self._loop.time() >= deadline or (enough is not None and enough.is_set()):
                return False
            await asyncio.sleep(0.02)
        return True
