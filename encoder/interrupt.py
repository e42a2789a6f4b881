"""Ctrl-C is heard, wherever it comes."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_AGAIN_S = 0.02


@contextmanager
def interrupts_kept() -> Iterator[None]:
    """Within, a KeyboardInterrupt that Python drops is raised anew a moment later.

    Python raises it in whatever the main thread just does. In a weak reference's callback, a finaliser or a callback
    from C nobody can catch it: Python says "Exception ignored in" and goes on, for hours where that is an encode.
    """
    previous = sys.unraisablehook

    def hook(dropped: sys.UnraisableHookArgs) -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            # From a thread and later: raised in here, it would be dropped once more.
            threading.Timer(_AGAIN_S, signal.raise_signal, (signal.SIGINT,)).start()
        else:
            previous(dropped)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = previous
