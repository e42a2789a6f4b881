"""Small shows with real pictures and sound, for the tests of the format and of the commands that read it."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np

from protocol.budget import Cost
from protocol.chunk import Chunk, SoundPacket, VideoAccessUnit, encode_segment
from protocol.index import Index
from protocol.manifest import CameraRecord, Manifest, Rung, Sound, StageFigure, Thumbnail
from protocol.mesh_codec import Geometry, LayerMesh, Rect, encode_geometry
from protocol.partial import PartialShow
from protocol.projection import Projection

FRAME_RATE = Fraction(30000, 1001)
WIDTH, HEIGHT = 64, 64
FINGERPRINT = b"tiny"


@cache
def video_units(frames: int, seed: int = 0) -> tuple[VideoAccessUnit, ...]:
    """H.264 pictures of WIDTH x HEIGHT, with B-pictures where there are enough, Annex B, closed."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.time_base = Fraction(1, 30)
    context.options = {"preset": "veryfast", "x264-params": "bframes=2:open-gop=0:keyint=250:scenecut=0:threads=1"}
    rng = np.random.default_rng(seed)
    packets = []
    for number in range(frames):
        picture = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
        picture[: HEIGHT // 2] = 16 + 8 * number + rng.integers(0, 20)
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = number
        packets += context.encode(frame)
    packets += context.encode(None)
    return tuple(VideoAccessUnit(int(p.pts or 0), bool(p.is_keyframe), bytes(p)) for p in packets)


@cache
def sound_packets(count: int) -> tuple[bytes, ...]:
    """Opus packets of 20 ms, mono."""
    context = av.CodecContext.create("libopus", "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.format = 48000, "mono", "s16"
    context.bit_rate = 16000
    context.options = {"flags": "+bitexact"}
    packets = []
    for number in range(count + 2):
        wave = 8000 * np.sin(2 * np.pi * 440 * (np.arange(960) + 960 * number) / 48000)
        frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48000, 960 * number
        packets += context.encode(frame)
    return tuple(bytes(p) for p in packets[:count])


def layer_mesh(frames: int, *, disparity: float, atlas_y: int, moving: bool = True) -> LayerMesh:
    """Two squares of 16 texels that share an edge; the last point moves."""
    points = np.array([(0, 0), (16, 0), (32, 0), (0, 16), (16, 16), (32, 16)], np.uint16)
    disparities = np.full((frames, 6), disparity, np.float32)
    disparities[:, 1] *= 1.5
    if moving:
        disparities[:, 5] += np.float32(0.1) * np.arange(frames, dtype=np.float32) * np.float32(disparity)
    return LayerMesh(
        points=points,
        disparities=disparities,
        rects=(Rect(0, 0, 16, 16, 0, atlas_y), Rect(16, 0, 16, 16, 16, atlas_y)),
        triangles=np.array([(0, 3, 1), (1, 3, 4), (1, 4, 2), (2, 4, 5)], np.uint32),
        triangle_rect=np.array([0, 0, 1, 1], np.uint16),
    )


def geometry(frames: int) -> Geometry:
    """Two layers; every texel lies in the atlas of 64 x 32."""
    return Geometry(
        (layer_mesh(frames, disparity=0.25, atlas_y=0, moving=False), layer_mesh(frames, disparity=1.0, atlas_y=16))
    )


def chunk(number: int = 0, *, rung: int = 0, frames: int = 3, sound: bool = True) -> Chunk:
    """Chunk `number` of a show whose chunks all have `frames` frames."""
    first = number * frames
    packets = sound_packets(2) if sound else ()
    start = first / FRAME_RATE
    return Chunk(
        index=number,
        rung=rung,
        first_frame=first,
        start=start,
        duration=frames / FRAME_RATE,
        frame_times=tuple((first + i) / FRAME_RATE for i in range(frames)),
        geometry=encode_geometry(geometry(frames)),
        video=video_units(frames, seed=number),
        sound=tuple(SoundPacket(start + Fraction(i, 50), data) for i, data in enumerate(packets)),
    )


def manifest(*, chunks: int = 2, frames: int = 3, rungs: int = 1, sound: bool = True) -> Manifest:
    """The manifest of `chunks` chunks of `chunk(...)`."""
    # OpenCV camera that looks along -z.
    T_show_camera = np.diag([1.0, -1.0, -1.0, 1.0])
    T_show_camera[:3, 3] = 0.1, 0.0, -0.2
    model = {"kind": "pinhole", "width": 640, "height": 480, "params": (500.0, 500.0, 320.0, 240.0)}
    return Manifest(
        title="Tiny é",
        frame_rate=FRAME_RATE,
        frame_count=chunks * frames,
        duration=chunks * frames / FRAME_RATE,
        projection=Projection("plane", width=32, height=16, left=-1.0, top=0.5, density=16.0),
        near=0.5,
        far=np.inf,
        layer_count=2,
        comfort_min=(-0.1, -0.1, -0.1),
        comfort_max=(0.1, 0.1, 0.1),
        units="metres",
        T_show_rig=np.eye(4),
        cameras=(CameraRecord("cam00", model, T_show_camera, True), CameraRecord("cam01", model, np.eye(4))),
        rungs=tuple(
            Rung(
                name=f"rung{i}",
                codec="h264",
                codec_string="avc1.64000A",
                width=WIDTH,
                height=HEIGHT,
                colour_width=64,
                colour_height=32,
                alpha_x=0,
                alpha_y=32,
                texture_scale=1.0,
                bits_per_second=100_000,
                cost=Cost(1.25, 2.5, triangles=8, draws=2) if i == 0 else None,
            )
            for i in range(rungs)
        ),
        sound=Sound("opus", sample_rate=48000, channels=1, pre_skip=312) if sound else None,
        encoder={"layers": 2, "quality": 23.5, "solver": "sweep", "masks": False, "seed": None},
        stages=(StageFigure("cam00", 0, True, 31.5, 31.25),),
        poster=b"\xff\xd8\xff\xe0",
        thumbnails=tuple(Thumbnail(i / FRAME_RATE, b"\xff\xd8\xff\xe0") for i in range(min(2, frames))),
    )


def segments(number: int, *, rungs: int = 1, frames: int = 3, sound: bool = True) -> list[bytes]:
    """One encoded segment per rung of chunk `number`."""
    return [encode_segment(chunk(number, rung=r, frames=frames, sound=sound)) for r in range(rungs)]


def write_show(path: Path, *, chunks: int = 2, frames: int = 3, rungs: int = 1, sound: bool = True) -> Index:
    """A whole show at `path`."""
    with PartialShow.open_or_create(path, fingerprint=FINGERPRINT) as partial:
        for number in range(chunks):
            partial.append(segments(number, rungs=rungs, frames=frames, sound=sound))
        return partial.finalise(manifest(chunks=chunks, frames=frames, rungs=rungs, sound=sound))
