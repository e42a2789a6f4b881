"""A show in time, over a real server: the clock waits for what is late, seeks and pauses, and holds a live edge."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from encoder.bench.impairment import Impairment, Outage
from encoder.bench.proxy import proxy_in_thread
from player.film import frame_buffer
from player.frames import FrameReading
from player.loader import Loader, LoaderConfig
from player.playback import Playback
from player.source.address import parse_address
from player.source.link import LinkOptions
from protocol.container import open_show
from samples.append_live import append_live
from samples.make_counter_show import make_counter_show
from tests.protocol.serve.running import running
from tests.protocol.serve.test_command import serve

STEP = 0.01


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_counter_show(tmp_path_factory.mktemp("shows") / "counter.lfv", frames=240)


def played(playback: Playback, seconds: float) -> list[float]:
    """Times of the clock, turn by turn, at its own pace."""
    times, last = [], time.monotonic()
    for _ in range(round(seconds / STEP)):
        time.sleep(STEP)
        now = time.monotonic()
        playback.advance(now - last)
        last = now
        times.append(playback.clock.time)
    return times


def test_plays_pauses_and_seeks(path: Path) -> None:
    with (
        running(path) as server,
        Loader(parse_address(f"ws://127.0.0.1:{server.port}/counter.lfv"), LinkOptions()) as loader,
        frame_buffer(loader, FrameReading(), capacity=8, loop=False) as buffer,
    ):
        playback = Playback(loader, buffer, loop=False)
        times = played(playback, 0.6)
        assert times == sorted(times) and 0.3 < times[-1] < 0.8
        playback.pause()
        assert len(set(played(playback, 0.2))) == 1
        playback.pause()
        playback.seek(5.0)
        after = played(playback, 0.4)
        assert times[-1] + 5.0 < after[-1] < times[-1] + 5.5
        assert playback.frame is not None and playback.frame.index >= 150


def test_time_waits_for_frames_that_are_late(path: Path) -> None:
    impairment = Impairment(delay_s=0.005, outages=(Outage(0.0, 0.8, "silent"),))
    with (
        running(path) as server,
        proxy_in_thread(server.port, Impairment(delay_s=0.005)) as proxy,
        Loader(
            parse_address(f"ws://127.0.0.1:{proxy.port}/counter.lfv"),
            LinkOptions(),
            LoaderConfig(ahead_s=0.5, memory=1 << 14),
        ) as loader,
        frame_buffer(loader, FrameReading(), capacity=4, loop=False) as buffer,
    ):
        playback = Playback(loader, buffer, loop=False)
        played(playback, 0.2)
        proxy.impair(impairment)
        playback.seek(6.0)
        at = playback.clock.time
        waiting = played(playback, 0.4)
        assert playback.late and set(waiting) == {at}
        assert played(playback, 1.6)[-1] > at and not playback.late


@pytest.mark.slow
def test_a_live_edge_is_followed_at_the_distance_that_is_told(path: Path, tmp_path: Path) -> None:
    live = tmp_path / "live.lfv"
    with open_show(path) as show, serve(live, "--live") as (_, said):
        first = threading.Event()
        writer = threading.Thread(target=append_live, args=(show, live), kwargs={"on_chunk": lambda _: first.set()})
        writer.start()
        try:
            assert first.wait(5)
            time.sleep(0.1)
            address = parse_address(next(line for line in said if line.startswith("ws://")))
            with (
                Loader(address, LinkOptions()) as loader,
                frame_buffer(loader, FrameReading(), capacity=8, loop=False) as buffer,
            ):
                playback = Playback(loader, buffer, loop=True)
                played(playback, 3.0)
                distances = []
                for _ in range(20):
                    played(playback, 0.1)
                    distances.append(playback.behind_s)
                assert loader.live and not playback.clock.loop
                assert all(0.5 < distance < playback.hold.target_s + 0.35 for distance in distances)
        finally:
            writer.join(30)
