"""LPIPS of pictures, from a model that somebody brings: none is shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.evaluation import Lpips
from protocol.errors import UsageError


def load_lpips(path: Path | None) -> Lpips | None:
    """A distance of pictures from a TorchScript module that takes two (1, 3, H, W) batches in -1..1; None without path.

    Raises:
        UsageError: it is no such module.
    """
    if path is None:
        return None
    import torch

    try:
        model: Any = torch.jit.load(str(path)).eval()
    except (RuntimeError, ValueError, OSError) as error:
        raise UsageError(
            f"{path}: no TorchScript model ({str(error).splitlines()[0]}); give another --lpips"
        ) from error

    def batch(picture: NDArray[np.uint8]) -> torch.Tensor:
        return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1.0

    def distance(truth: NDArray[np.uint8], render: NDArray[np.uint8]) -> float:
        with torch.no_grad():
            return float(model(batch(truth), batch(render)).mean())

    return distance
