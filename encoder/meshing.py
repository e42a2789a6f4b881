"""A solved group of pictures gets its meshes, at every rung; devices that blend less get fewer layers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from encoder.atlas.picture import LARGE, Picture
from encoder.config import EncodeConfig, Profile
from encoder.cost.count import cost_of, drawn_chunk
from encoder.cost.eyes import Eyes, eyes_of
from encoder.fit import FAINTEST, Fitted, fit_atlas
from encoder.layers.layer_images import LayerImages
from encoder.layers.tessellate import TessellationConfig, disparity_tolerance
from encoder.lighten import CUT, lighten, merge_next
from encoder.rungs import rung_geometries
from encoder.shot import Shot
from encoder.stopwatch import Stopwatch
from encoder.video.ladder import LADDER_LARGE, RungPlan, ladder, single_rung
from protocol.budget import HEADSET, Cost, over
from protocol.errors import UsageError
from protocol.mesh_codec import Geometry

log = logging.getLogger(__name__)
BUDGETS: Mapping[Profile, Cost | None] = {"desktop": None, "headset": HEADSET}
_QUANTISED = 0.005  # screens by which rounding disparities to 16 bits may change what is covered
_RELAX, _MOST_RELAXED = 2.0, 16.0  # of the tolerance, while there are too many triangles


@dataclass(frozen=True)
class Meshed:
    """What a group of pictures is drawn with.

    Attributes:
        fitted: the best rung's meshes, and where their textures lie in the atlas of all rungs.
        plans, geometries: of the rungs, best first.
    """

    fitted: Fitted
    plans: tuple[RungPlan, ...]
    geometries: tuple[Geometry, ...]


@dataclass(frozen=True)
class Room:
    """The colour region: its `size` where earlier groups have fixed it; else `spare` leaves room for later ones."""

    size: tuple[int, int] | None
    spare: bool


def mesh_group(layers: LayerImages, shot: Shot, config: EncodeConfig, room: Room, watch: Stopwatch) -> Meshed:
    """Meshes for every rung, within the budget of the profile; `layers` are changed where that takes fewer.

    Raises:
        SolveError: nothing is left to show. UsageError: it fits no picture that a decoder takes, or not the budget.
    """
    budget = BUDGETS[config.profile]
    tolerance = disparity_tolerance(shot.projection, head_offset_m=shot.reach, delta_px=config.mesh_pixels)
    if budget is None:
        return _meshed(layers, shot, config, room, watch, tolerance=tolerance)
    eyes = eyes_of(shot.projection, comfort_min=shot.comfort_min, comfort_max=shot.comfort_max)
    with watch.stage("lighten"):
        faintest = lighten(layers, shot.projection, eyes, budget, tolerance=tolerance, faintest=FAINTEST)
    relaxed = 1.0
    while True:
        meshed = _meshed(
            layers, shot, config, room, watch, tolerance=relaxed * tolerance, faintest=faintest, most_cut=CUT
        )
        with watch.stage("lighten"):
            excess = _excess(meshed, shot, eyes, budget)
            if not excess:
                return meshed
            log.info("over the budget of a %s: %s", config.profile, ", ".join(excess))
            if "triangles" in excess and relaxed < _MOST_RELAXED:
                relaxed *= _RELAX
            elif merge_next(layers, shot.projection, threshold=meshed.fitted.threshold) is None:
                raise UsageError(_too_much(config.profile, excess, budget))


def rung_plans(picture: Picture, config: EncodeConfig, frame_rate: Fraction | None) -> tuple[RungPlan, ...]:
    """The rungs of a show whose best picture is `picture`; the same for all of its groups."""
    if config.ladder:
        return ladder(picture, codec=config.codec, quality=config.quality, frame_rate=frame_rate)
    return single_rung(picture, codec=config.codec, quality=config.quality, frame_rate=frame_rate)


def _meshed(
    layers: LayerImages,
    shot: Shot,
    config: EncodeConfig,
    room: Room,
    watch: Stopwatch,
    *,
    tolerance: float,
    faintest: int = FAINTEST,
    most_cut: int = TessellationConfig().cell,
) -> Meshed:
    fitted = fit_atlas(
        layers,
        shot.projection,
        tolerance=tolerance,
        size=room.size,
        spare=room.spare,
        large=LADDER_LARGE if config.ladder else LARGE,
        faintest=faintest,
        watch=watch,
    )
    plans = rung_plans(fitted.layout.picture, config, shot.footage.frame_rate)
    geometries = rung_geometries(
        layers, shot.projection, fitted, plans, tolerance=tolerance, most_cut=most_cut, watch=watch
    )
    return Meshed(fitted, plans, geometries)


def _excess(meshed: Meshed, shot: Shot, eyes: Eyes, budget: Cost) -> dict[str, float]:
    """What exceeds the budget at any rung, with its greatest value."""
    aim = replace(
        budget,
        coverage_mean=budget.coverage_mean - _QUANTISED,
        coverage_p99=budget.coverage_p99 - _QUANTISED,
    )
    costs = [cost_of([drawn_chunk(geometry, shot.projection, eyes)]) for geometry in meshed.geometries]
    return {name: max(getattr(cost, name) for cost in costs) for cost in costs for name in over(cost, aim)}


def _too_much(profile: Profile, excess: Mapping[str, float], budget: Cost) -> str:
    figures = ", ".join(f"{name} {value:g} instead of {getattr(budget, name):g}" for name, value in excess.items())
    return f"the show is too much for a {profile} ({figures}); lower --density, --scale or --layers"
