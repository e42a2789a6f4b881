"""Shows that are being encoded while they are served: a relay follows their journals. SPEC section 7."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from protocol.errors import FormatError, StorageError, StreamError, UsageError
from protocol.partial import partial_path
from protocol.serve.broadcast import Broadcast
from protocol.serve.journal_tail import JournalTail
from protocol.serve.shelf import SUFFIX, ServedShow, open_static
from protocol.source import FileSource

log = logging.getLogger(__name__)
POLL_S = 0.02

_Signature = tuple[tuple[int, int, int] | None, ...]


class LiveShow:
    """What stands on a shelf under a name: nothing yet, then a broadcast, then the finished show.

    An encoder that runs again begins a new broadcast. Files are closed when the last session lets go of them.
    """

    def __init__(self, path: Path) -> None:
        """Of the show to come, or of one that is there already; `poll` looks."""
        self.path = path
        self.name = path.name.removesuffix(SUFFIX)
        self._tail: JournalTail | None = None
        self._broadcast: Broadcast | None = None
        self._served: ServedShow | None = None
        self._refused: _Signature | None = None
        self._problem = ""

    def current(self) -> ServedShow:
        """What a newcomer gets. Raises StreamError with the code "show" where there is nothing yet."""
        if self._served is None:
            raise StreamError(self._problem or f"'{self.name}' has not begun yet; try again when it has", code="busy")
        return self._served

    def poll(self) -> None:
        """Look what the encoder has done; on the event loop. Cheap where it has done nothing."""
        found = None if self._tail is not None else _signature(self.path)
        if found is not None:
            if found == self._refused:
                return
            self._problem = ""
        try:
            self._look()
        except (OSError, FormatError, UsageError) as error:
            log.warning("%s", error)
            self._give_up(found)

    def close(self) -> None:
        """Let go of it; files that sessions still read stay open."""
        self._tail = self._broadcast = self._served = None

    def _look(self) -> None:
        journal = partial_path(self.path)
        if self._tail is None and journal.exists():
            self._tail = JournalTail(FileSource(journal).open())
        if self._tail is not None:
            self._follow(self._tail)
        elif self._served is None and self.path.exists():
            self._served = open_static(self.path)

    def _follow(self, tail: JournalTail) -> None:
        # Asked before it is read: what is written before the name is taken away is seen.
        removed, known = tail.removed(), len(tail.chunks)
        if tail.advance():
            if self._broadcast is None:
                self._served = self._broadcast = Broadcast(self.name, tail.source, tail.chunks)
                log.info("'%s' has begun", self.name)
            else:
                self._broadcast.grow(tail.chunks[known:])
        elif removed:
            self._finish()

    def _finish(self) -> None:
        """The journal is gone and read to its end."""
        self._served = open_static(self.path) if self.path.exists() else None
        if self._broadcast is not None:
            if self._served is None or not _same_chunks(self._served, self._broadcast):
                raise StorageError(f"the journal of '{self.name}' was removed before the show was finished")
            log.info("'%s' is finished", self.name)
            self._broadcast.end()
        self._tail = self._broadcast = None

    def _give_up(self, found: _Signature | None) -> None:
        """What was followed cannot be. Look again at once where sessions had it, else when the files change."""
        self._refused = None
        if self._broadcast is not None:
            self._broadcast.lose(f"the encoder of '{self.name}' has stopped or begun anew; connect again to see")
        else:
            self._problem = f"'{self.name}' cannot be read; the server's own messages say why"
            self._refused = found
        self._tail = self._broadcast = self._served = None


class Follower:
    """Looks after the live shows of a server: one timer, a few system calls for each show."""

    def __init__(self, shows: Sequence[LiveShow]) -> None:
        """`start` it on the loop."""
        self.shows = shows
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look now, and from now on every POLL_S seconds."""
        self._timer = asyncio.get_running_loop().call_later(POLL_S, self.start)
        for show in self.shows:
            show.poll()

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()


def _signature(path: Path) -> _Signature:
    """Of the journal and the show under that name: what changes when either does."""
    found: list[tuple[int, int, int] | None] = []
    for file in (partial_path(path), path):
        try:
            status = file.stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


def _same_chunks(show: ServedShow, broadcast: Broadcast) -> bool:
    def digests(served: ServedShow) -> list[bytes]:
        return [segment.digest for chunk in served.index.chunks for segment in chunk.segments]

    return digests(show) == digests(broadcast)
