"""What counts as throughput: bytes as they come, silence when some are due, nothing while none was asked for."""

from __future__ import annotations

import pytest

from player.abr import Throughput
from player.meter import Meter

MBIT = 1_000_000


def made() -> tuple[Meter, Throughput]:
    throughput = Throughput(fast_s=1.0, slow_s=1.0)
    return Meter(throughput), throughput


def test_the_wait_for_the_first_bytes_is_left_out() -> None:
    meter, throughput = made()
    meter.begin(0.0)
    for i in range(21):
        meter.add(MBIT // 8, 0.3 + i * 0.05)
    assert throughput.estimate == pytest.approx(MBIT / 0.05)


def test_a_transfer_that_came_at_once_counts_with_its_wait() -> None:
    meter, throughput = made()
    meter.begin(0.0)
    meter.add(MBIT // 16, 0.099)
    meter.add(MBIT // 16, 0.1)
    assert throughput.estimate is None
    meter.rest()
    assert throughput.estimate == pytest.approx(MBIT / 0.1)


def test_a_short_transfer_counts_without_its_wait_where_that_can_be_told() -> None:
    meter, throughput = made()
    meter.begin(0.0)
    for at in (0.10, 0.11, 0.12, 0.13):
        meter.add(MBIT // 8, at)
    meter.begin(5.0)
    assert throughput.estimate == pytest.approx(3 * MBIT / 0.03)


def test_what_comes_unasked_and_at_once_tells_nothing() -> None:
    meter, throughput = made()
    meter.add(MBIT // 16, 0.099)
    meter.add(MBIT // 16, 0.1)
    meter.rest()
    assert throughput.estimate is None


def test_silence_amid_a_transfer_counts_as_none() -> None:
    meter, throughput = made()
    meter.begin(0.0)
    meter.add(1000, 0.1)
    meter.add(MBIT // 8, 0.3)
    before = throughput.estimate
    meter.tick(0.6)
    assert throughput.estimate == before
    meter.tick(1.3)
    assert throughput.estimate is not None and before is not None and throughput.estimate < before
    meter.begin(1.3)
    meter.tick(2.7)
    after = throughput.estimate
    meter.tick(2.9)
    assert throughput.estimate is not None and throughput.estimate < after


def test_rest_counts_as_nothing() -> None:
    meter, throughput = made()
    meter.begin(0.0)
    meter.add(1000, 0.1)
    meter.add(MBIT // 8, 0.3)
    before = throughput.estimate
    meter.rest()
    meter.tick(100.0)
    assert throughput.estimate == before
