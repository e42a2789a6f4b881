"""The encoder's progress on a terminal: chunk, stage, rate and time left. Silent where nobody watches."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from numba.core import event
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from encoder.pipeline import Encoded
from encoder.pipeline import Progress as Callbacks
from encoder.shot import Shot

_COMPILE = "numba:compile"
_COMPILING = "compiling for this machine, a minute or two: later runs go without"
# Shares of a chunk's time, for one bar over all stages.
_STAGES = {"solve": (0.0, 0.85), "mesh": (0.85, 0.07), "video": (0.92, 0.08)}


class _CompileNotice(event.Listener):  # type: ignore[misc]
    """Hears once when numba compiles a kernel that no earlier run left in its cache."""

    def __init__(self, say: Callable[[], None]) -> None:
        self._say = say
        self._said = False

    def on_start(self, _: event.Event) -> None:
        if not self._said:
            self._said = True
            self._say()

    def on_end(self, _: event.Event) -> None:
        pass


class EncodeProgress:
    """A bar over all chunks, and a summary. A context manager."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("reading the rig", total=None)
        self._started = time.monotonic()
        self._frames = 0
        self._behind_s = 0.0
        self._compiling = _CompileNotice(lambda: self._console.print(_COMPILING))
        self.callbacks = Callbacks(on_shot=self._on_shot, on_stage=self._on_stage, on_behind=self._on_behind)

    def __enter__(self) -> EncodeProgress:
        self._bar.start()
        event.register(_COMPILE, self._compiling)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        event.unregister(_COMPILE, self._compiling)
        self._bar.stop()

    def summary(self, encoded: Encoded) -> None:
        """One line on what was made and how long each stage took."""
        size = encoded.path.stat().st_size
        stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in encoded.seconds.items() if seconds >= 0.05)
        self._console.print(
            f"{encoded.path}  {size / 1e6:.2f} MB in {time.monotonic() - self._started:.0f} s ({stages})"
        )

    def _on_shot(self, shot: Shot, done: int, chunks: int) -> None:
        self._frames = shot.footage.frame_count
        p = shot.projection
        left_out = f", {len(shot.held_out)} held out" if shot.held_out else ""
        self._console.print(
            f"{shot.rig.name}: {len(shot.sources)} cameras{left_out}, {self._frames} frames; "
            f"{len(shot.disparities)} {p.kind}s of {p.width}x{p.height} from {shot.near:.3g} to {shot.far:.3g} "
            f"({shot.rig.units}), neighbours shift by up to {shot.delta:.2f} pixels"
        )
        for note in (*shot.rig.notes, *(f"left out: {what}" for what in shot.rig.unmatched)):
            self._console.print(f"  {note}")
        if done:
            self._console.print(f"going on: {done} of {chunks} chunks are there")
        self._bar.update(self._task, total=chunks, completed=done)

    def _on_stage(self, chunk: int, chunks: int, stage: str, share: float) -> None:
        start, length = _STAGES[stage]
        behind = f", {self._behind_s:.1f} s behind" if self._behind_s >= 0.05 else ""
        self._bar.update(
            self._task,
            completed=chunk + start + length * share,
            description=f"chunk {chunk + 1} of {chunks}: {stage}{behind}",
        )

    def _on_behind(self, seconds: float) -> None:
        self._behind_s = seconds
