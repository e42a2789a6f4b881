"""The shows that a server delivers, by name, and who may have them."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from protocol.container import Show, open_show
from protocol.errors import StorageError, StreamError, UsageError
from protocol.fields import Document
from protocol.header import Header
from protocol.index import Index
from protocol.manifest import Manifest
from protocol.source import FileSource

SUFFIX = ".lfv"
_LISTED = 20  # names in an error; a message has at most 1024 characters


@dataclass(frozen=True)
class FilePart:
    """`length` bytes from `start` of an open file, for whoever can send them without reading. `name`: the show's."""

    source: FileSource
    start: int
    length: int
    name: str

    @property
    def descriptor(self) -> int:
        """Raises StorageError where the file is closed."""
        return self.source.fileno()

    def read(self, start: int, length: int) -> bytes:
        """`length` bytes of the file. Raises StorageError, also where it is too short."""
        # pread and no memory map: a file that is cut short under a map kills the process.
        data = self.source.read_range(start, length)
        if len(data) < length:
            raise shortened(self.name)
        return data


class ServedShow(Protocol):
    """A show as every adapter sees it. All of it belongs to the server's event loop."""

    @property
    def name(self) -> str:
        """What a hello calls it: the file's name without `.lfv`."""

    @property
    def live(self) -> bool:
        """More chunks may come."""

    @property
    def front(self) -> bytes:
        """Header, manifest and index as they are now."""

    @property
    def index(self) -> Index:
        """Of the chunks that are there; it only grows."""

    @property
    def manifest(self) -> Manifest:
        """As it is now."""

    @property
    def lost(self) -> str:
        """Why nothing more can be had of it, or empty; `on_growth` tells when that changes."""

    def read(self, chunk: int, rung: int, offset: int, length: int) -> bytes:
        """`length` bytes from `offset` of a segment. Raises StorageError, also where the file is too short."""

    def locate(self, chunk: int, rung: int, offset: int, length: int) -> FilePart | None:
        """Where these bytes lie in a file, or None where only `read` has them. Raises StorageError as `read` does."""

    def on_growth(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called on the event loop when the show has grown or ended -> what takes it back."""

    def close(self) -> None:
        """Give back the file."""


class Place(Protocol):
    """A name on a shelf, and the show that stands there at the moment."""

    @property
    def name(self) -> str:
        """What a hello calls it: the file's name without `.lfv`."""

    def current(self) -> ServedShow:
        """What a newcomer gets. Raises StreamError with the code "show" where there is nothing yet."""

    def close(self) -> None:
        """Give back its files."""


class StaticShow:
    """A finished show. Its file stays open, so that it is served to the end even where its name is taken away."""

    live = False
    lost = ""

    def __init__(self, path: Path, source: FileSource, show: Show) -> None:
        """Of an open show; `open_static` opens one."""
        self.path, self.source = path, source
        self.name = path.name.removesuffix(SUFFIX)
        self.header: Header = show.header
        self.manifest: Manifest = show.manifest
        self.index: Index = show.index
        self.size: int = show.header.file_bytes
        self.front: bytes = source.read_range(0, show.header.front_bytes)

    @property
    def etag(self) -> str:
        """Strong: the header's digest covers the index, whose digests cover every segment."""
        return f'"{self.header.digest.hex()}-{self.size:x}"'

    def current(self) -> ServedShow:
        return self

    def read(self, chunk: int, rung: int, offset: int, length: int) -> bytes:
        start = self.index.chunks[chunk].segments[rung].offset + offset
        return self.part(start, length).read(start, length)

    def locate(self, chunk: int, rung: int, offset: int, length: int) -> FilePart:
        return self.part(self.index.chunks[chunk].segments[rung].offset + offset, length)

    def part(self, start: int, length: int) -> FilePart:
        """A range of the file. Raises StorageError where it is too short by now."""
        if self.source.size() < start + length:
            raise shortened(self.name)
        return FilePart(self.source, start, length, self.name)

    def on_growth(self, callback: Callable[[], None]) -> Callable[[], None]:
        return _nothing

    def close(self) -> None:
        self.source.close()


def open_static(path: Path) -> StaticShow:
    """Opens a finished show. Raises FormatError with the byte range, StorageError."""
    source = FileSource(path).open()
    try:
        return StaticShow(path, source, open_show(source, name=str(path)))
    except BaseException:
        source.close()
        raise


def shortened(name: str) -> StorageError:
    """What a client is told whose show was cut short under the server."""
    return StorageError(f"the file of '{name}' was cut short while it was served; put it back on the server")


def show_files(paths: list[Path]) -> Iterator[Path]:
    """The shows that files and folders name, in order. Raises UsageError for a folder without any."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(entry for entry in path.iterdir() if entry.suffix == SUFFIX and entry.is_file())
        if not found:
            raise UsageError(f"{path} holds no {SUFFIX} file; name a folder that does, or the files")
        yield from found


class Shelf:
    """All shows of one server, in the order in which they were added."""

    def __init__(self, *, token: str = "") -> None:
        """An empty shelf; with a token, nobody gets a show without it."""
        self._token = token
        self._places: dict[str, Place] = {}

    @property
    def guarded(self) -> bool:
        """A token is needed."""
        return bool(self._token)

    def admits(self, token: str) -> bool:
        """Whether the token opens this shelf; how long the answer takes says nothing about it."""
        return not self._token or hmac.compare_digest(_bytes(token), _bytes(self._token))

    def add(self, place: Place) -> None:
        """Raises UsageError where the name is taken or cannot stand in an address."""
        if place.name in self._places:
            raise UsageError(f"two shows are called '{place.name}'; rename one of the files")
        if not place.name or not place.name.isprintable():
            raise UsageError(f"{place.name!r} is no name for an address; rename the file")
        self._places[place.name] = place

    def find(self, name: str, token: str) -> ServedShow:
        """The show that a client asks for. Raises StreamError with the code "token" or "show"."""
        if not self.admits(token):
            reason = "wrong token" if token else "this server wants a token"
            raise StreamError(f"{reason}; ask whoever runs it", code="token")
        found = self._places.get(name)
        if found is None:
            listed = ", ".join(self.names()[:_LISTED]) or "none"
            more = ", ..." if len(self._places) > _LISTED else ""
            raise StreamError(f"no show '{name[:64]}' here; there is {listed}{more}", code="show")
        return found.current()

    def names(self) -> list[str]:
        """Of all places, also of those where nothing stands yet."""
        return list(self._places)

    def shows(self) -> list[ServedShow]:
        """What stands there now."""
        out = []
        for place in self._places.values():
            with suppress(StreamError):
                out.append(place.current())
        return out

    def catalogue(self) -> Document:
        """What `/shows` says: per show its name, length, rungs, and its address relative to the server's."""
        return {"shows": [_described(show) for show in self.shows()]}

    def close(self) -> None:
        for place in self._places.values():
            place.close()
        self._places.clear()


def _described(show: ServedShow) -> Document:
    manifest, index = show.manifest, show.index
    return {
        "name": show.name,
        "title": manifest.title,
        "live": show.live,
        "duration": float(index.duration),
        "frames": index.frame_count,
        "frame_rate": None if manifest.frame_rate is None else float(manifest.frame_rate),
        "chunks": len(index.chunks),
        "bytes": index.chunks[-1].segments[-1].end,
        "url": "/" + quote(show.name + SUFFIX, safe=""),
        "rungs": [
            {
                "name": rung.name,
                "codec": rung.codec_string,
                "width": rung.width,
                "height": rung.height,
                "bits_per_second": rung.bits_per_second,
            }
            for rung in manifest.rungs
        ],
    }


def _nothing() -> None:
    """A show that never grows has no callback to take back."""


def _bytes(token: str) -> bytes:
    return token.encode("utf-8", "surrogatepass")
