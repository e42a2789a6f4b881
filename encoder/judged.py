"""A rung of a show with its quality and its size."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from encoder.evaluation import Evaluation, mean_of
from encoder.sizes import Sizes
from protocol.records import Rung


@dataclass(frozen=True)
class JudgedRung:
    """What a rung costs and what it keeps."""

    rung: Rung
    evaluation: Evaluation
    sizes: Sizes


def rung_document(judged: JudgedRung) -> dict[str, Any]:
    """For programs: name, bits_per_frame, bits_per_second, psnr, ssim and bytes by kind."""
    evaluation = judged.evaluation
    return {
        "name": judged.rung.name,
        "bits_per_frame": evaluation.bits_per_frame,
        "bits_per_second": evaluation.bits_per_second,
        "psnr": mean_of(evaluation, "psnr"),
        "ssim": mean_of(evaluation, "ssim"),
        "bytes": asdict(judged.sizes),
    }
