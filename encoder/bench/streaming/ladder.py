"""What each rung of a ladder costs, and what it keeps: bits per second, and PSNR and SSIM at the rig's cameras."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from encoder.bench.figure import Figure
from encoder.config import EncodeConfig
from encoder.evaluate import compare, rig_targets
from encoder.evaluation import evaluate, mean_of
from encoder.pipeline import encode_rig
from protocol.container import open_show


def bench_ladder(rig: Path, quick: bool) -> list[Figure]:
    """Encodes the rig's footage with all rungs, and decodes and judges each of them.

    Raises:
        what `encode_rig` and `compare` raise.
    """
    config = EncodeConfig(ladder=True)
    if quick:
        config = replace(config, scale=Fraction(1, 2), frames=2, shells=8, layers=4, solve=config.solve.with_steps(2))
    out = []
    with tempfile.TemporaryDirectory(prefix="lfv-bench-") as folder:
        encoded = encode_rig(rig, Path(folder) / "bench.lfv", config)
        with open_show(encoded.path) as show:
            for number, rung in enumerate(show.manifest.rungs):
                judged = evaluate(show, compare(show, rig_targets(show, rig, None), rung=number), rung=number)
                name = f"ladder_{rung.name}"
                out.append(Figure(f"{name}_rate", judged.bits_per_second / 1e6, "Mbit/s"))
                for key, unit in (("psnr", "dB"), ("ssim", "of 1")):
                    value = mean_of(judged, key)
                    if value is not None:
                        out.append(Figure(f"{name}_{key}", value, unit))
    return out
