"""The manifest, drafted with the first chunk, so that a relay can serve what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from encoder.capture.sound import SAMPLE_RATE, Sound
from encoder.config import EncodeConfig, settings_of
from encoder.finish import with_first_costs
from encoder.gop import EncodedGop
from encoder.rungs import EncodedRung
from encoder.shot import Shot
from encoder.stages import judge
from encoder.video.codec_string import codec_string
from encoder.video.encoders import Codec, check_picture
from protocol.chunk import Chunk
from protocol.geometry import Array
from protocol.manifest import CameraRecord, Manifest, Rung
from protocol.manifest import Sound as SoundRecord


def draft_manifest(
    shot: Shot,
    gop: EncodedGop,
    images: dict[str, NDArray[np.uint8]],
    config: EncodeConfig,
    *,
    encoders: Mapping[Codec, str],
    sound: Sound | None,
    chunk: Chunk,
    segments: Sequence[bytes],
) -> Manifest:
    """The manifest of a show that ends with its first chunk.

    Args:
        gop, chunk, segments: what the first group of pictures became; `chunk` at any rung, `segments` at all.
        images: of its first frame, by camera.
        encoders: of the video by codec.

    Raises:
        UsageError: no decoder takes a picture of this size.
    """
    for rung in gop.rungs:
        picture = rung.plan.picture
        check_picture(rung.plan.codec, width=picture.width, height=picture.height, frame_rate=shot.footage.frame_rate)
    figures, poster = judge(shot, gop, images)
    video_encoders = ", ".join(dict.fromkeys(encoders[rung.plan.codec] for rung in gop.rungs))
    held_out = {view.name for view in shot.held_out}
    draft = Manifest(
        title=title_of(shot, config),
        frame_rate=shot.footage.frame_rate,
        frame_count=len(chunk.frame_times),
        duration=chunk.duration,
        projection=shot.projection,
        near=shot.near,
        far=shot.far,
        layer_count=len(gop.geometry.layers),
        comfort_min=_vector(shot.comfort_min),
        comfort_max=_vector(shot.comfort_max),
        units=shot.rig.units,
        T_show_rig=np.asarray(shot.T_show_rig, np.float64),
        cameras=tuple(
            CameraRecord(c.name, c.model.to_dict(), np.asarray(c.T_rig_camera, np.float64), c.name in held_out)
            for c in shot.rig.cameras
        ),
        rungs=tuple(
            _rung(rung, round(8 * len(segment) / chunk.duration))
            for rung, segment in zip(gop.rungs, segments, strict=True)
        ),
        sound=None if sound is None else SoundRecord("opus", SAMPLE_RATE, sound.channels, sound.pre_skip),
        encoder={**settings_of(config), "video_encoder": video_encoders, "shells": len(shot.disparities)},
        stages=figures,
        poster=poster,
    )
    return with_first_costs(draft, [rung.packed for rung in gop.rungs])


def _rung(rung: EncodedRung, bits_per_second: int) -> Rung:
    plan, picture = rung.plan, rung.plan.picture
    return Rung(
        name=plan.name,
        codec=plan.codec,
        codec_string=codec_string(plan.codec, rung.video[0].data),
        width=picture.width,
        height=picture.height,
        colour_width=picture.colour_width,
        colour_height=picture.colour_height,
        alpha_x=picture.alpha_x,
        alpha_y=picture.alpha_y,
        texture_scale=float(plan.texture_scale),
        bits_per_second=bits_per_second,
    )


def title_of(shot: Shot, config: EncodeConfig) -> str:
    return config.title or shot.rig.name.encode("utf-8", "replace").decode() or "untitled"


def _vector(values: Array) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
