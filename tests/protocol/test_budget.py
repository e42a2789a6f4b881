"""The headset budget is that of SPEC 4.5, and its limits are inclusive."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import protocol
from protocol.budget import HEADSET, over, within


def test_the_numbers_are_those_of_the_specification():
    text = (Path(protocol.__file__).parent / "SPEC.md").read_text()
    row = re.search(r"\| at most (\d+) \| at most (\d+) \| at most (\d+) \| at most (\d+) \|", text)
    assert row is not None
    assert [float(value) for value in row.groups()] == list(vars(HEADSET).values())


@pytest.mark.parametrize("name", vars(HEADSET))
def test_each_limit_holds_by_itself(name):
    assert within(HEADSET, HEADSET)
    more = replace(HEADSET, **{name: getattr(HEADSET, name) * 1.001 + 1})
    assert not within(more, HEADSET) and over(more, HEADSET) == (name,)


def test_what_nobody_counted_does_not_fit():
    assert not within(None, HEADSET)
