"""The scheduling of this process's threads, kept from libraries that make themselves real-time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TASKS = Path("/proc/self/task")  # Linux


@contextmanager
def same_priority() -> Iterator[None]:
    """What starts inside is scheduled as this thread was before, and so is this thread afterwards.

    SVT-AV1, run by root, gives its threads and the one that opens it the highest real-time priority (SCHED_FIFO 99),
    which children inherit: encoding, and whatever is started after it, would hold all cores against the whole machine.
    """
    if not _TASKS.is_dir():
        yield
        return
    before = _threads()
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        for thread in {threading.get_native_id(), *(_threads() - before)}:
            try:
                if os.sched_getscheduler(thread) != policy:
                    os.sched_setscheduler(thread, policy, priority)
            except ProcessLookupError:
                continue  # it has ended


def _threads() -> set[int]:
    return {int(path.name) for path in _TASKS.iterdir()}
