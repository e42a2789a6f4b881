"""How many messages a client may send, and how long ones."""

from __future__ import annotations

import pytest

from protocol.session.allowance import Allowance


def test_a_second_s_worth_at_once_and_then_as_it_refills():
    allowance = Allowance(now=10.0)
    assert all(allowance.take(30, now=10.0) for _ in range(1000))
    assert not allowance.take(30, now=10.0)
    assert allowance.take(30, now=10.1)


def test_it_never_saves_more_than_a_second():
    allowance = Allowance(now=0.0)
    assert sum(allowance.take(0, now=3600.0) for _ in range(2000)) == 1000


@pytest.mark.parametrize(("size", "count"), [(0, 1000), (255, 1000), (256, 500), (65_536, 3)])
def test_long_messages_count_more(size, count):
    allowance = Allowance(now=0.0)
    assert sum(allowance.take(size, now=0.0) for _ in range(1100)) == count


def test_steady_use_is_never_refused():
    allowance = Allowance(now=0.0)
    assert all(allowance.take(100, now=i / 990) for i in range(5000))
