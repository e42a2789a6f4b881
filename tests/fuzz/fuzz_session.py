"""Fuzzing of both ends of a session: a server answers any bytes, a client ends in StreamError or FormatError.

    python tests/fuzz/fuzz_session.py --minutes 10          own mutations of real sessions, any machine
    python tests/fuzz/fuzz_session.py --atheris CORPUS/ ... coverage-guided, needs atheris; libFuzzer's flags
    python tests/fuzz/fuzz_session.py --write-seeds CORPUS/ the seeds as files, for a first corpus

An input is a script: its first byte chooses the end under attack and the show; the rest are steps of an honest session
in which the attacked end hears, now and then, something else. `test_fuzz_session.py` runs it for a moment in every test
run.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

import msgpack

from protocol.errors import FormatError, StreamError
from protocol.index import Index
from protocol.session.client import Arrived, ClientSession
from protocol.session.messages import Bye, Credit, Error, Hello, decode_message, decode_part, encode_message, is_part
from tests.protocol.session.pipe import Pipe
from tests.protocol.session.shows import MemoryShow
from tests.protocol.session.test_golden_messages import MESSAGES, PARTS, encode_part_head

ENDS = ("server", "client")
STEPS = ("honest", "raw", "edited", "flipped", "again", "lost", "ask", "grow")
VALUES: tuple[object, ...] = (
    *(0, 1, 2, 7, 8, -1, 255, 65_535, 65_536, 1 << 26, (1 << 32) - 1, 1 << 32, (1 << 64) - 1, True, None, 0.5),
    *("", "tiny", "live", "\0", "x" * 1025, b"", b"x" * 60, [], [1], [0, 1], [1, 3], [2, 4], [1, 0], ["live"], {}),
    *([7] * 64, [[]] * 65, {"a": {"b": []}}),
)
EXAMPLES = tuple(MESSAGES.values())


class GrowingShow:
    """A live show whose stages are made beforehand: making them takes longer than all the rest."""

    def __init__(self, stages: tuple[MemoryShow, ...]) -> None:
        self._stages, self._at, self.live = stages, 0, len(stages) > 1

    @property
    def index(self) -> Index:
        return self._stages[self._at].index

    @property
    def front(self) -> bytes:
        return self._stages[self._at].front

    def read(self, chunk: int, rung: int, offset: int, length: int) -> bytes:
        return self._stages[-1].read(chunk, rung, offset, length)

    def grow(self) -> None:
        """By one chunk, and after the last one no more."""
        self._at = min(self._at + 1, len(self._stages) - 1)
        self.live = self._at < len(self._stages) - 1


@cache
def stages(live: bool) -> tuple[MemoryShow, ...]:
    lengths = [[20_000, 100], [16_384, 1], [5, 40_000], [7, 7]]
    return tuple(MemoryShow(lengths[:count]) for count in ((1, 2, 3, 4) if live else (3,)))


@dataclass
class Script:
    """The rest of an input, read from the front; behind its end are zeros."""

    data: bytes
    at: int = 0

    def take(self, count: int) -> bytes:
        piece = self.data[self.at : self.at + count]
        self.at += count
        return piece.ljust(count, b"\0")

    def number(self, count: int = 1) -> int:
        return int.from_bytes(self.take(count), "little")

    @property
    def done(self) -> bool:
        return self.at >= len(self.data)


def fuzz_one(data: bytes) -> bool:
    """-> whether the session was still going at the end. Any other error than a session's own escapes."""
    if not data:
        return False
    show = GrowingShow(stages(bool(data[0] & 2)))
    pipe = Pipe(show, credit=30_000)  # type: ignore[arg-type]
    attack = _attack_client if data[0] & 1 else _attack_server
    return attack(pipe, show, Script(data[1:]))


def _attack_server(pipe: Pipe, show: GrowingShow, script: Script) -> bool:
    watch = _Ledger()
    while not script.done and not pipe.server.closing:
        step = STEPS[script.number() % len(STEPS)]
        if step == "ask":
            _ask(pipe.client, script)
        elif step == "grow":
            show.grow()
        elif step == "lost":
            pipe.now += script.number() / 16
            pipe.server.tick(pipe.now)
        else:
            honest = pipe.client.outgoing.popleft() if pipe.client.outgoing else b""
            for message in _disturbed(step, honest, script):
                watch.heard(message)
                pipe.server.receive(message, now=pipe.now)
        _drain(pipe, watch)
    _drain(pipe, watch)
    if pipe.server.closing:
        assert watch.parting or any(isinstance(m, Bye) for m in watch.last_heard)
    return not pipe.server.closing


def _drain(pipe: Pipe, watch: _Ledger) -> None:
    before = len(pipe.on_the_way)
    for _ in range(1000):
        if not pipe.serve():
            break
    else:
        raise AssertionError("a server that never stops")
    for message in list(pipe.on_the_way)[before:]:
        watch.said(message)
    try:
        while pipe.down():
            pass
    except (StreamError, FormatError):
        # Not for the honest client: it was never asked whether to say what the server heard.
        pipe.on_the_way.clear()


class _Ledger:
    """What a server owes and may send, from what it heard."""

    def __init__(self) -> None:
        self.credit, self.parting = 0, False
        self.last_heard: list[object] = []

    def heard(self, data: bytes) -> None:
        try:
            message = decode_message(data)
        except FormatError:
            return
        self.last_heard = [message]
        self.credit += message.credit if isinstance(message, Hello) else 0
        self.credit += message.bytes if isinstance(message, Credit) else 0

    def said(self, data: bytes) -> None:
        assert not self.parting
        if not is_part(data):
            self.parting = isinstance(decode_message(data), Error | Bye)
            return
        self.credit -= len(decode_part(data)[1])
        assert self.credit >= 0


def _attack_client(pipe: Pipe, show: GrowingShow, script: Script) -> bool:
    while not script.done:
        step = STEPS[script.number() % len(STEPS)]
        try:
            if step == "ask":
                _ask(pipe.client, script)
                continue
            if step == "grow":
                show.grow()
                continue
            while pipe.up():
                pass
            pipe.serve()
            honest = pipe.on_the_way.popleft() if pipe.on_the_way else b""
            for message in _disturbed(step, honest, script):
                _hear(pipe.client, message)
        except (StreamError, FormatError):
            return False
    return True


def _hear(client: ClientSession, message: bytes) -> None:
    for event in client.receive(message):
        if isinstance(event, Arrived):
            assert len(event.data) == client.index.chunks[event.chunk].segments[event.rung].length
    assert client.granted >= 0


def _disturbed(step: str, honest: bytes, script: Script) -> list[bytes]:
    """What is heard instead of an honest message, which may be empty where there is none now."""
    if step == "raw":
        return [script.take(script.number(2))]
    if step == "edited":
        return [_edited(script)]
    if step == "lost" or not honest:
        return []
    if step == "again":
        return [honest, honest]
    if step == "flipped":
        out = bytearray(honest)
        out[script.number(2) % min(len(out), 64)] ^= script.number() or 1
        return [bytes(out)]
    return [honest]


def _edited(script: Script) -> bytes:
    """A message of the golden ones with one value replaced, or the head of a part with one byte replaced."""
    which, what, value = script.number(), script.number(), script.number()
    if which % 4 == 3:
        head = bytearray(encode_part_head(list(PARTS.values())[what % len(PARTS)][0]))
        head[what % len(head)] = value
        return bytes(head) + bytes(script.number(2))
    document = msgpack.unpackb(encode_message(EXAMPLES[which % len(EXAMPLES)]))
    key = list(document)[what % len(document)]
    if value == 255:
        del document[key]
    else:
        document[key] = VALUES[value % len(VALUES)]
    return bytes(msgpack.packb(document))


def _ask(client: ClientSession, script: Script) -> None:
    """What the honest client's user does."""
    kind, number = script.number() % 5, script.number()
    try:
        if kind == 0:
            chunks = client.index.chunks
            client.subscribe(chunks[number % len(chunks)].start, rung=number % 2)
        elif kind == 1:
            client.subscribe(None, rung=number % 2)
        elif kind == 2:
            client.switch(number % 2)
        elif kind == 3:
            client.grant(1 + 200 * number)
        else:
            client.ping(number)
    except (StreamError, FormatError):
        return  # not open yet, nothing subscribed to switch, or credit enough


def _step(name: str, *numbers: int, data: bytes = b"") -> bytes:
    return bytes([STEPS.index(name), *numbers]) + data


def seeds() -> list[bytes]:
    """Whole sessions without a disturbance, and with one of each kind."""
    honest = _step("honest")
    opening, media = honest * 6, _step("ask", 0, 0) + honest * 6
    more = _step("ask", 3, 255) + honest * 4 + _step("ask", 2, 1) + honest * 4 + _step("ask", 1, 1) + honest * 6
    grown = (_step("grow") + honest * 4) * 4
    whole = opening + media + more + grown
    raw = [_step("raw", len(m) % 256, len(m) // 256, data=m) for m in map(encode_message, EXAMPLES)]
    edits = [_step("edited", n, n % 7, n) for n in range(12)]
    flips = [_step("flipped", n, 0, 1 + n) for n in range(12)]
    scripts = [whole]
    scripts += [opening + media + disturbance + more for disturbance in (*raw, *edits, *flips)]
    scripts += [disturbance + opening for disturbance in raw[:3]]
    scripts.append(opening + media + _step("again") + more + _step("lost", 200) + grown)
    return [bytes([kind]) + script for script in scripts for kind in range(4)]


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Flips, overwrites, cuts, repeats and steps put in."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        at, kind = rng.randrange(1, max(2, len(out))), rng.randrange(5)
        if kind == 0 and at < len(out):
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            out[at : at + 1] = bytes([rng.choice((0, 1, 2, 127, 128, 255))])
        elif kind == 2:
            del out[at : at + rng.randrange(1, 12)]
        elif kind == 3:
            out[at:at] = out[at : at + rng.randrange(1, 24)]
        else:
            out[at:at] = bytes([rng.randrange(len(STEPS)), *rng.randbytes(rng.randrange(5))])
    return bytes(out)


def fuzz_for(seconds: float, *, seed: int = 0) -> tuple[int, int]:
    """Mutations of the seeds for a while -> how many were tried, how many sessions were still going at their end."""
    rng, corpus = random.Random(seed), seeds()
    tried = alive = 0
    end = time.process_time() + seconds
    while time.process_time() < end:
        alive += fuzz_one(mutate(rng.choice(corpus), rng))
        tried += 1
    return tried, alive


def _fuzz_with_atheris(arguments: list[str], end: int | None) -> None:
    import atheris  # type: ignore[import-not-found,unused-ignore]

    def target(data: bytes) -> None:
        fuzz_one(data if end is None or not data else bytes([data[0] & 2 | end]) + data[1:])

    atheris.instrument_all()
    stages(True), stages(False)
    atheris.Setup([sys.argv[0], *arguments], target)
    atheris.Fuzz()


def _write_seeds(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (folder / f"seed-{number:03d}").write_bytes(seed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0, help="CPU time of the own mutations")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--end", choices=ENDS, help="with --atheris: attack this end only")
    parser.add_argument("--write-seeds", type=Path, help="a folder for the seeds")
    parser.add_argument("--atheris", nargs=argparse.REMAINDER, help="corpus folders and libFuzzer's flags")
    options = parser.parse_args()
    if options.write_seeds is not None:
        _write_seeds(options.write_seeds)
    elif options.atheris is not None:
        _fuzz_with_atheris(options.atheris, None if options.end is None else ENDS.index(options.end))
    else:
        tried, alive = fuzz_for(60 * options.minutes, seed=options.seed)
        sys.stdout.write(f"{tried} sessions, {alive} of them undisturbed to the end, no error but a session's own\n")
