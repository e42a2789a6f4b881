"""One group of pictures, from footage to a segment: a pure function of shot, frames and settings (DESIGN 8)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from encoder.config import EncodeConfig
from encoder.meshing import Room, mesh_group
from encoder.msi.views import View
from encoder.rungs import AtlasImages, EncodedRung, encode_rungs
from encoder.shot import Shot
from encoder.solve_group import Frames, MsiError, SolvedGroup, solve_group
from encoder.stopwatch import Stopwatch
from encoder.video.encoders import Codec, choose_encoder
from encoder.video.ladder import COMMON_CODEC, LARGE_CODEC
from protocol.mesh_codec import Geometry

Solve = Callable[..., SolvedGroup]  # as `solve_group`


@dataclass(frozen=True)
class EncodedGop:
    """What a group of pictures became.

    Attributes:
        geometry: meshes of the best rung, with their atlas layout.
        rungs: best first.
        msi_errors: by camera, the shells' squared error in the first frame: (sum over channels, pixels, their mask).
        first_atlas: colour and alpha of the first frame, before the codec.
        anew: whether a new shot begins with it, see `SolvedGroup`.
    """

    geometry: Geometry
    rungs: tuple[EncodedRung, ...]
    msi_errors: Mapping[str, MsiError]
    first_atlas: AtlasImages
    anew: bool


def encode_group(
    shot: Shot,
    frames: Frames,
    count: int,
    config: EncodeConfig,
    *,
    base: Frames | None = None,
    encoders: Mapping[Codec, str],
    size: tuple[int, int] | None,
    spare: bool,
    measured: tuple[View, ...],
    scratch: Path,
    watch: Stopwatch,
    solve: Solve = solve_group,
) -> EncodedGop:
    """Solves and encodes `count` frames; `frames()` starts again at the group's first.

    Args:
        base: the frame from which all groups of a shot start, see `solve_group`.
        encoders: of the video by codec, from `encoders_for`.
        size: of the colour region where earlier groups have fixed it.
        spare: where it is not fixed yet, leave room for groups that need more.
        measured: cameras for which the shells' error is wanted.
        scratch: folder for layers that do not fit the memory.
        solve: what makes layers of the frames.

    Raises:
        SolveError: nothing is left to show.
        UsageError: the layers do not fit a picture that a decoder takes, or the budget of the profile.
    """
    solved = solve(shot, frames, count, config, base=base, measured=measured, scratch=scratch, watch=watch)
    meshed = mesh_group(solved.layers, shot, config, Room(size, spare), watch)
    rate = shot.footage.frame_rate
    rungs, first_atlas = encode_rungs(
        solved.layers,
        shot.projection,
        meshed.fitted,
        meshed.plans,
        meshed.geometries,
        encoders=encoders,
        frame_rate=rate,
        # A short group may take what a whole one may: most of it is its key picture.
        seconds=float(max(config.gop_s, count / rate if rate else 0)),
        watch=watch,
    )
    return EncodedGop(meshed.geometries[0], rungs, solved.msi_errors, first_atlas, solved.anew)


def encoders_for(config: EncodeConfig) -> dict[Codec, str]:
    """libav's names of the encoders of all codecs that the show may need. Raises UsageError where there is none."""
    codecs: tuple[Codec, ...] = (COMMON_CODEC, LARGE_CODEC) if config.codec == "auto" else (config.codec,)
    return {codec: choose_encoder(codec, backend=config.backend) for codec in codecs}


def group_frames(frame_count: int, frame_rate: Fraction | None, gop_s: Fraction) -> list[tuple[int, int]]:
    """(first, count) of each group of pictures.

    None is longer than `gop_s`, and all are as long as each other but for a frame: encoders spend less on the key
    picture of a short group, and what stands still would change its texture where one begins.
    """
    most = 1 if frame_rate is None else max(1, round(gop_s * frame_rate))
    groups = math.ceil(frame_count / most)
    edges = [math.ceil(Fraction(number * frame_count, groups)) for number in range(groups + 1)]
    return [(first, end - first) for first, end in pairwise(edges)]
