"""What two cameras of a rig give by the stereo network and by the sweep: at a camera between, and at one beyond."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np

from encoder.bench.figure import Figure
from encoder.bench.solutions import held_out_views, judged, solved
from encoder.msi.solve import SolveConfig, SolverName
from encoder.rig.rig import Rig, read_rig
from protocol.errors import UsageError

_ASIDE = 0.25  # of the pair's distance, by which a camera may stand off the place that is wanted
_BEYOND = 1.5  # from the first camera of the pair, in their distances


def bench_stereo(rig: Path, quick: bool, *, weights: Path | None = None) -> list[Figure]:
    """PSNR and SSIM of both at both cameras, and seconds, for the rig's first frame at half scale.

    Raises:
        UsageError: no two cameras have another one between them and one beyond. What `prepare` and the solvers raise.
    """
    pair, between, beyond = _chosen(read_rig(rig))
    others = [camera.name for camera in read_rig(rig).cameras if camera.name not in pair]
    footage = held_out_views(rig, tuple(others), quick)
    solvers: tuple[SolverName, ...] = ("sweep", "stereo")
    out = []
    for solver in solvers:
        found, seconds = solved(footage, SolveConfig(solver=solver, weights=weights if solver == "stereo" else None))
        for place, name in (("between", between), ("beyond", beyond)):
            view, picture = next(each for each in footage.views if each[0].name == name)
            figures = judged(footage.scene, found, view, picture)
            out.append(Figure(f"stereo_{solver}_{place}_psnr", figures[0], "dB"))
            out.append(Figure(f"stereo_{solver}_{place}_ssim", figures[1], ""))
        out.append(Figure(f"stereo_{solver}_seconds", seconds, "s"))
    return out


def _chosen(rig: Rig) -> tuple[tuple[str, str], str, str]:
    """The nearest two cameras with one between them and one beyond the second: their names, and the others'."""
    places = {camera.name: camera.T_rig_camera[:3, 3] for camera in rig.cameras}
    best: tuple[float, tuple[tuple[str, str], str, str]] | None = None
    for names in combinations(places, 2):
        for a, b in (names, names[::-1]):
            along = places[b] - places[a]
            length = float(np.linalg.norm(along))
            found = []
            for share in (0.5, _BEYOND):
                off = {
                    n: float(np.linalg.norm(p - places[a] - share * along)) for n, p in places.items() if n not in names
                }
                nearest = min(off, key=lambda n: off[n], default=None)
                if nearest is not None and off[nearest] < _ASIDE * length:
                    found.append(nearest)
            if len(found) == 2 and (best is None or length < best[0]):
                best = length, ((a, b), found[0], found[1])
    if best is None:
        raise UsageError("no two cameras of this rig have another one between them and one beyond; give another --rig")
    return best[1]
