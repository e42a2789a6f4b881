"""All that a page is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from encoder.evaluation import CameraFigures, Evaluation
from encoder.judged import JudgedRung
from encoder.report.pictures import Shown
from protocol.manifest import Manifest


@dataclass(frozen=True)
class Report:
    """An evaluation and what it was of.

    Attributes:
        file, file_bytes, chunks: of the show.
        against: the name of the rig's folder or of the list of views.
        rungs: those judged; the first is the one that everything but their comparison is about.
        pictures: of the first rung, by camera.
        made: the day.
        version: of lfv.
    """

    manifest: Manifest
    file: str
    file_bytes: int
    chunks: int
    against: str
    rungs: tuple[JudgedRung, ...]
    pictures: Mapping[str, Shown]
    made: date
    version: str

    @property
    def evaluation(self) -> Evaluation:
        """Of the first rung."""
        return self.rungs[0].evaluation

    @property
    def still(self) -> bool:
        """There is nothing but one picture."""
        return self.manifest.frame_rate is None


def worst_first(evaluation: Evaluation) -> list[tuple[str, CameraFigures]]:
    """Cameras by mean PSNR, then by name."""
    return sorted(evaluation.cameras.items(), key=lambda item: (float(np.mean(item[1].psnr)), item[0]))


def seen_as(held_out: bool | None) -> str:
    """What a camera was to the encoder."""
    return {True: "held out", False: "seen", None: "view"}[held_out]
