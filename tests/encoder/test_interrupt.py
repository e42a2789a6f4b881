"""A Ctrl-C that Python drops comes again."""

from __future__ import annotations

import signal
import sys
import time
import weakref

import pytest

from encoder.interrupt import interrupts_kept


class _Thing:
    pass


@pytest.fixture(autouse=True)
def _heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pytest does with dropped exceptions is not asked for here."""
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)


def _interrupt(_: object) -> None:
    signal.raise_signal(signal.SIGINT)
    time.sleep(0)  # here the interpreter sees it


def _dropped_in_a_callback() -> None:
    thing = _Thing()
    reference = weakref.ref(thing, _interrupt)
    del thing
    assert reference() is None


def test_an_interrupt_in_a_callback_comes_again() -> None:
    _dropped_in_a_callback()  # Python's own way: nothing is heard of it
    time.sleep(0.1)
    with pytest.raises(KeyboardInterrupt), interrupts_kept():
        _dropped_in_a_callback()
        time.sleep(5)


def test_other_dropped_exceptions_go_where_they_went(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: heard.append(dropped.exc_type))

    def fail(_: object) -> None:
        raise ValueError

    with interrupts_kept():
        thing = _Thing()
        reference = weakref.ref(thing, fail)
        del thing
    assert reference() is None and heard == [ValueError]
    hook = sys.unraisablehook
    with interrupts_kept():
        assert sys.unraisablehook is not hook
    assert sys.unraisablehook is hook
