"""The whole way from a rig's folder to a show: one call for each stage."""

from __future__ import annotations

import hashlib
import logging
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgpack
import numpy as np

from encoder.capture.footage import FrameSet
from encoder.capture.sound import SAMPLE_RATE, Sound, open_sound, packets_between
from encoder.config import EncodeConfig, fingerprint_text, settings_of
from encoder.gop import EncodedGop, Stopwatch, encode_group, group_frames
from encoder.rig.rig import Rig
from encoder.shot import Shot, prepare
from encoder.stages import judge, measured_views
from encoder.video.codec_string import codec_string
from encoder.video.encoders import check_picture, choose_encoder
from protocol.chunk import Chunk, SoundPacket, VideoAccessUnit, encode_segment
from protocol.container import PartialShow
from protocol.errors import CaptureError
from protocol.manifest import CameraRecord, Manifest, Rung, StageFigure
from protocol.manifest import Sound as SoundRecord
from protocol.storage import check_output

log = logging.getLogger(__name__)
_STILL_S = Fraction(1)
_LIBRARIES = ("lfv", "av", "numba", "numpy", "zstandard")


@dataclass(frozen=True)
class Progress:
    """What is told to whoever watches: `shot` once, then (chunk, chunks, stage, share of the stage)."""

    on_shot: Callable[[Shot, int, int], None] = lambda shot, done, chunks: None
    on_stage: Callable[[int, int, str, float], None] = lambda chunk, chunks, stage, share: None


@dataclass(frozen=True)
class Encoded:
    """The finished show: its path and the seconds that each stage of this run took."""

    path: Path
    seconds: dict[str, float] = field(default_factory=dict)


def encode_rig(
    folder: Path, out: Path, config: EncodeConfig, *, restart: bool = False, progress: Progress | None = None
) -> Encoded:
    """Makes a show of a rig's footage, or goes on where an interrupted run with the same settings stopped.

    Raises:
        UsageError, RigError, CaptureError, SolveError, StorageError: one line each, see `protocol.errors`.
    """
    progress = progress or Progress()
    check_output(out)
    encoder = choose_encoder(config.codec, backend=config.backend)
    shot = prepare(folder, config)
    sound = _sound(shot, config)
    groups = group_frames(shot.footage.frame_count, shot.footage.frame_rate, config.gop_s)
    seconds: dict[str, float] = {}
    with PartialShow.open_or_create(
        out, fingerprint=fingerprint(shot, config, encoder, sound), restart=restart
    ) as journal:
        progress.on_shot(shot, len(journal.chunks), len(groups))
        for number in range(len(journal.chunks), len(groups)):
            first, count = groups[number]
            watch = Stopwatch(partial(progress.on_stage, number, len(groups)), seconds)
            frames = partial(_frames, shot, first, count)
            known = msgpack.unpackb(journal.chunks[0].notes) if number else None
            gop = encode_group(
                shot,
                frames,
                count,
                config,
                encoder=encoder,
                size=tuple(known["size"]) if known else None,
                spare=len(groups) > 1,
                measured=() if known else measured_views(shot),
                scratch=out.absolute().parent,
                watch=watch,
            )
            with watch.stage("write"):
                notes = b"" if known else _notes(shot, gop, next(frames()), config, encoder)
                journal.append([encode_segment(_chunk(shot, gop, sound, number, first, count))], notes=notes)
        journal.finalise(_manifest(shot, config, journal, sound, groups))
    return Encoded(out, seconds)


def fingerprint(shot: Shot, config: EncodeConfig, encoder: str, sound: Sound | None) -> bytes:
    """Of everything that the bytes of the chunks depend on: settings, calibration, footage, libraries."""
    state = hashlib.blake2b(digest_size=32)
    for text in (fingerprint_text(config), encoder, platform.machine(), *map(_version, _LIBRARIES)):
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


def _frames(shot: Shot, first: int, count: int) -> Iterator[FrameSet]:
    return shot.footage.frames(first, count)


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


def _chunk(shot: Shot, gop: EncodedGop, sound: Sound | None, number: int, first: int, count: int) -> Chunk:
    times = shot.footage.timestamps
    start = times[first]
    end = times[first + count] if first + count < len(times) else _duration(shot)
    return Chunk(
        index=number,
        rung=0,
        first_frame=first,
        start=start,
        duration=end - start,
        frame_times=times[first : first + count],
        geometry=gop.packed,
        video=tuple(VideoAccessUnit(unit.pts, unit.key, unit.data) for unit in gop.video),
        sound=()
        if sound is None
        else tuple(SoundPacket(packet.time, packet.data) for packet in packets_between(sound, start, end)),
    )


def _notes(shot: Shot, gop: EncodedGop, frame: FrameSet, config: EncodeConfig, encoder: str) -> bytes:
    """What the manifest needs to know of the first chunk, kept in the journal for a run that goes on."""
    picture = gop.picture
    check_picture(config.codec, width=picture.width, height=picture.height, frame_rate=shot.footage.frame_rate)
    figures, poster = judge(shot, gop, frame.images)
    return bytes(
        msgpack.packb(
            {
                "size": (picture.colour_width, picture.colour_height),
                "picture": (picture.width, picture.height, picture.alpha_x, picture.alpha_y),
                "layers": len(gop.geometry.layers),
                "codec_string": codec_string(config.codec, gop.video[0].data),
                "stages": [vars(figure) for figure in figures],
                "poster": poster,
                "encoder": encoder,
            }
        )
    )


def _manifest(
    shot: Shot, config: EncodeConfig, journal: PartialShow, sound: Sound | None, groups: list[tuple[int, int]]
) -> Manifest:
    notes = msgpack.unpackb(journal.chunks[0].notes)
    width, height, alpha_x, alpha_y = notes["picture"]
    index = journal.index()
    held_out = {view.name for view in shot.held_out}
    rig: Rig = shot.rig
    return Manifest(
        title=_title(config, rig),
        frame_rate=shot.footage.frame_rate,
        frame_count=sum(count for _, count in groups),
        duration=_duration(shot),
        projection=shot.projection,
        near=shot.near,
        far=shot.far,
        layer_count=notes["layers"],
        comfort_min=_vector(shot.comfort_min),
        comfort_max=_vector(shot.comfort_max),
        units=rig.units,
        T_show_rig=np.asarray(shot.T_show_rig, np.float64),
        cameras=tuple(
            CameraRecord(c.name, c.model.to_dict(), np.asarray(c.T_rig_camera, np.float64), c.name in held_out)
            for c in rig.cameras
        ),
        rungs=(
            Rung(
                name="full",
                codec=config.codec,
                codec_string=notes["codec_string"],
                width=width,
                height=height,
                colour_width=notes["size"][0],
                colour_height=notes["size"][1],
                alpha_x=alpha_x,
                alpha_y=alpha_y,
                texture_scale=1.0,
                bits_per_second=round(index.bits_per_second(0)),
            ),
        ),
        sound=None if sound is None else SoundRecord("opus", SAMPLE_RATE, sound.channels, sound.pre_skip),
        encoder={**settings_of(config), "video_encoder": notes["encoder"], "shells": len(shot.disparities)},
        stages=tuple(StageFigure(**figure) for figure in notes["stages"]),
        poster=notes["poster"],
    )


def _title(config: EncodeConfig, rig: Rig) -> str:
    return config.title or rig.name.encode("utf-8", "replace").decode() or "untitled"


def _vector(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
