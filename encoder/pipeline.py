"""The whole way from a rig's folder to a show: one call for each stage."""

from __future__ import annotations

import hashlib
import logging
import platform
import struct
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from encoder.capture.footage import FrameSet
from encoder.capture.sound import Sound, open_sound, packets_between
from encoder.config import EncodeConfig, fingerprint_text
from encoder.dead_camera import without_dead
from encoder.finish import finished_manifest
from encoder.gop import Solve, encode_group, encoders_for, group_frames
from encoder.live import Pace
from encoder.rungs import EncodedRung
from encoder.shot import Shot, prepare
from encoder.show_manifest import draft_manifest, title_of
from encoder.solve_group import solve_group
from encoder.stages import measured_views
from encoder.stopwatch import Stopwatch
from protocol.chunk import Chunk, SoundPacket, VideoAccessUnit, encode_segment
from protocol.container import PartialShow
from protocol.errors import CaptureError
from protocol.manifest import decode_manifest, encode_manifest
from protocol.storage import check_output

log = logging.getLogger(__name__)
_STILL_S = Fraction(1)
_START = struct.Struct("<I")
_LIBRARIES = ("lfv", "av", "numba", "numpy", "zstandard")


@dataclass(frozen=True)
class Progress:
    """What is told to whoever watches: `shot` once, then (chunk, chunks, stage, share of the stage).

    `on_behind` hears, before each chunk of a live show, by how many seconds the encoder is behind the footage.
    """

    on_shot: Callable[[Shot, int, int], None] = lambda shot, done, chunks: None
    on_stage: Callable[[int, int, str, float], None] = lambda chunk, chunks, stage, share: None
    on_behind: Callable[[float], None] = lambda seconds: None


@dataclass(frozen=True)
class Encoded:
    """The finished show: its path and the seconds that each stage of this run took."""

    path: Path
    seconds: dict[str, float] = field(default_factory=dict)


def encode_rig(
    folder: Path,
    out: Path,
    config: EncodeConfig,
    *,
    restart: bool = False,
    live: bool = False,
    progress: Progress | None = None,
) -> Encoded:
    """Makes a show of a rig's footage, or goes on where an interrupted run with the same settings stopped.

    Live, no group of pictures is taken up before its last frame would have been filmed, had the shoot begun now.

    Raises:
        UsageError, RigError, CaptureError, SolveError, StorageError: one line each, see `protocol.errors`.
    """
    check_output(out)
    encoders_for(config)
    return encode_shot(prepare(folder, config), out, config, restart=restart, live=live, progress=progress)


def encode_shot(
    shot: Shot,
    out: Path,
    config: EncodeConfig,
    *,
    restart: bool = False,
    live: bool = False,
    progress: Progress | None = None,
    solve: Solve = solve_group,
) -> Encoded:
    """As `encode_rig`, from footage that was prepared with the same settings of space and solver.

    `solve` makes layers of each group's frames; a caller that has them already may hand them on.
    """
    progress = progress or Progress()
    encoders = encoders_for(config)
    sound = _sound(shot, config)
    groups = group_frames(shot.footage.frame_count, shot.footage.frame_rate, config.gop_s)
    seconds: dict[str, float] = {}
    told: set[str] = set()
    start = 0  # the frame from which the groups of a shot start
    with PartialShow.open_or_create(
        out, fingerprint=fingerprint(shot, config, tuple(encoders.values()), sound), restart=restart
    ) as journal:
        done = len(journal.chunks)
        if done > 1:
            (start,) = _START.unpack(journal.chunks[-1].notes)
        progress.on_shot(shot, done, len(groups))
        pace = Pace(journal.chunks[-1].entry.end if done else Fraction(0), progress.on_behind) if live else None
        for number in range(done, len(groups)):
            first, count = groups[number]
            if pace is not None:
                pace.wait(_span(shot, first, count)[1])
            watch = Stopwatch(partial(progress.on_stage, number, len(groups)), seconds)
            frames = partial(_frames, shot, told, first, count)
            draft = decode_manifest(journal.chunks[0].notes) if number else None
            gop = encode_group(
                shot,
                frames,
                count,
                config,
                base=partial(_frames, shot, told, start, 1) if number else None,
                encoders=encoders,
                size=(draft.rungs[0].colour_width, draft.rungs[0].colour_height) if draft else None,
                spare=len(groups) > 1,
                measured=() if draft else measured_views(shot),
                scratch=out.absolute().parent,
                watch=watch,
                solve=solve,
            )
            if gop.anew:
                start = first
            with watch.stage("write"):
                chunks = [
                    _chunk(shot, rung, place, sound, number, first, count) for place, rung in enumerate(gop.rungs)
                ]
                segments = [encode_segment(chunk) for chunk in chunks]
                if draft is None:
                    images = next(frames()).images
                    draft = draft_manifest(
                        shot, gop, images, config, encoders=encoders, sound=sound, chunk=chunks[0], segments=segments
                    )
                journal.append(segments, notes=_START.pack(start) if number else encode_manifest(draft))
        draft = decode_manifest(journal.chunks[0].notes)
        with Stopwatch(seconds=seconds).stage("finish"):
            journal.finalise(finished_manifest(journal, draft, title=title_of(shot, config)))
    return Encoded(out, seconds)


def fingerprint(shot: Shot, config: EncodeConfig, encoders: tuple[str, ...], sound: Sound | None) -> bytes:
    """Of everything that the bytes of the chunks depend on: settings, calibration, footage, libraries."""
    state = hashlib.blake2b(digest_size=32)
    for text in (fingerprint_text(config), *encoders, platform.machine(), *map(_version, _LIBRARIES)):
        state.update(text.encode() + b"\0")
    state.update(np.asarray(shot.T_show_rig, np.float64).tobytes())
    state.update(np.asarray(shot.disparities, np.float32).tobytes())
    for camera in shot.rig.cameras:
        state.update(f"{camera.name} {camera.model.to_dict()}".encode())
        state.update(np.asarray(camera.T_rig_camera, np.float64).tobytes())
        for path in (camera.files,) if isinstance(camera.files, Path) else camera.files:
            state.update(_file_digest(path))
        if camera.mask is not None:
            state.update(_file_digest(camera.mask))
    for packet in sound.packets if sound is not None else ():
        state.update(packet.data)
    return state.digest()


def _file_digest(path: Path, ends: int = 1 << 16) -> bytes:
    """Of a file's size and its two ends: tells other footage, and costs nothing for long videos."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(ends)
        file.seek(max(0, size - ends))
        return hashlib.blake2b(size.to_bytes(8, "little") + head + file.read(ends), digest_size=16).digest()


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} from its sources"


def _frames(shot: Shot, told: set[str], first: int, count: int) -> Generator[FrameSet]:
    return without_dead(shot.footage.frames(first, count), told)


def _sound(shot: Shot, config: EncodeConfig) -> Sound | None:
    if config.sound is None:
        return None
    camera = next((c for c in shot.rig.cameras if c.name == config.sound), None)
    if camera is not None:
        if not isinstance(camera.files, Path):
            raise CaptureError(f"{camera.name} has images and no sound; give --sound another camera or a file")
        return open_sound(camera.files, start=shot.footage.origin, duration=_duration(shot))
    return open_sound(Path(config.sound), start=config.start_s, duration=_duration(shot))


def _duration(shot: Shot) -> Fraction:
    return shot.footage.duration or _STILL_S


def _span(shot: Shot, first: int, count: int) -> tuple[Fraction, Fraction]:
    """Start and end of a group of pictures, seconds of the show."""
    times = shot.footage.timestamps
    return times[first], times[first + count] if first + count < len(times) else _duration(shot)


def _chunk(
    shot: Shot, rung: EncodedRung, place: int, sound: Sound | None, number: int, first: int, count: int
) -> Chunk:
    start, end = _span(shot, first, count)
    return Chunk(
        index=number,
        rung=place,
        first_frame=first,
        start=start,
        duration=end - start,
        frame_times=shot.footage.timestamps[first : first + count],
        geometry=rung.packed,
        video=tuple(VideoAccessUnit(unit.pts, unit.key, unit.data) for unit in rung.video),
        sound=()
        if sound is None
        else tuple(SoundPacket(packet.time, packet.data) for packet in packets_between(sound, start, end)),
    )
