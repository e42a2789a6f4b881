"""Picture and geometry always belong together: 10,000 frames over the network with seeks and rung switches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from player.film import frame_buffer
from player.frames import FrameReading
from player.loader import Loader, LoaderConfig
from player.source.address import parse_address
from player.source.link import LinkOptions
from samples.make_counter_show import FULL, LOW, MEDIUM, make_counter_show, read_counters
from tests.protocol.serve.running import running

FRAMES, SEEKS, SWITCHES = 10_000, 200, 50
# Little is kept or under way, so that seeks and switches go over the network instead of to the cache.
CONFIG = LoaderConfig(ahead_s=1.0, memory=1 << 16)
OPTIONS = LinkOptions(first_credit=1 << 15, least_credit=1 << 15, most_credit=1 << 15)
RUNGS = tuple(replace(rung, bits_per_second=200_000) for rung in (FULL, MEDIUM, LOW))


@pytest.mark.slow
def test_no_frame_is_shown_with_another_ones_geometry(tmp_path: Path) -> None:
    path = make_counter_show(tmp_path / "counter.lfv", frames=FRAMES, rungs=RUNGS)
    random = Random(5)
    events = random.sample(range(1, FRAMES), SEEKS + 2 * SWITCHES)
    seeks, switches = set(events[:SEEKS]), set(events[SEEKS:])
    mismatches, switched, index, rung = [], 0, 0, None
    with (
        running(path) as server,
        Loader(parse_address(f"ws://127.0.0.1:{server.port}/counter.lfv"), OPTIONS, CONFIG) as loader,
        frame_buffer(loader, FrameReading(), capacity=8, loop=True) as buffer,
    ):
        rungs = loader.manifest.rungs
        for shown in range(FRAMES):
            if shown in seeks:
                index = random.randrange(FRAMES)
            if shown in switches:
                loader.lock(random.randrange(len(rungs)))
            frame = buffer.wait(index, timeout_s=20)
            assert frame is not None, f"frame {index} did not come"
            if read_counters(frame, frame.rung) != (index, index) or frame.index != index:
                mismatches.append(index)
            switched += rung is not None and frame.rung.name != rung
            rung, index = frame.rung.name, (index + 1) % FRAMES
    assert mismatches == []
    assert switched >= SWITCHES
