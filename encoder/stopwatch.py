"""What each stage costs, and how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

OnProgress = Callable[[str, float], None]


@dataclass
class Stopwatch:
    """Seconds by stage. `on_progress` hears of each stage's share of the group, 0..1."""

    on_progress: OnProgress | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started

    def report(self, name: str, share: float) -> None:
        if self.on_progress is not None:
            self.on_progress(name, share)
