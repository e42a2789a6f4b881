"""What `encode` can be asked for: one field per option. All that changes the result is part of the fingerprint."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Literal

from encoder.msi.solve import SolveConfig
from encoder.video.encoders import Backend, CodecChoice
from protocol.projection import ShellKind

_SAID_OTHERWISE = frozenset({"title", "solve.weights"})
Profile = Literal["desktop", "headset"]


@dataclass(frozen=True, kw_only=True)
class EncodeConfig:
    """Settings of one encode.

    Attributes:
        hold_out: cameras that are kept out of the solution and measured.
        scale: of the footage, in (0, 1].
        start_s: seconds of footage to leave out; frames: how many at most; image_rate: of image sequences.
        geometry: "sphere", "plane", or None to choose by the rig.
        near, far: distances in the rig's units, or None to find them.
        shells: how many, or None for as many as keep neighbours within a pixel, at most `most_shells`.
        density: texels per radian (spheres) or tangent (planes), or None to match the cameras.
        layers: of the show.
        least_weight: texels that no camera sees with this weight are dropped.
        mesh_pixels: parallax error that a mesh may have at the edge of the comfort volume.
        gop_s: seconds of a chunk.
        codec, quality, backend: of the video, see `encoder.video.ladder`; quality None is the codec's default.
        ladder: several rungs instead of one, see `encoder.video.ladder`.
        profile: the devices that are to draw every rung, see `encoder.meshing`.
        sound: a file, a camera's name, or None.
        memory: bytes for the shells of one tile.
        title: of the show; None is the rig's name.
    """

    hold_out: tuple[str, ...] = ()
    scale: Fraction = Fraction(1)
    start_s: Fraction = Fraction(0)
    frames: int | None = None
    image_rate: Fraction | None = None
    geometry: ShellKind | None = None
    near: float | None = None
    far: float | None = None
    shells: int | None = None
    most_shells: int = 64
    density: float | None = None
    layers: int = 16
    least_weight: float = 1.0 / 64.0
    mesh_pixels: float = 0.5
    gop_s: Fraction = Fraction(1)
    codec: CodecChoice = "auto"
    quality: int | None = None
    backend: Backend = "auto"
    ladder: bool = False
    profile: Profile = "desktop"
    sound: str | None = None
    memory: int = 4 << 30
    title: str | None = None
    solve: SolveConfig = field(default_factory=SolveConfig)


def settings_of(config: EncodeConfig) -> dict[str, str]:
    """Every setting that differs from its default, as text, flat; the manifest keeps it for people.

    Without the title, which the manifest says itself, and the weights' path, for which their digest stands.
    """
    found, default = _flat(asdict(config)), _flat(asdict(EncodeConfig()))
    other = {key: value for key, value in found.items() if value != default.get(key) and key not in _SAID_OTHERWISE}
    return other | {"solver": config.solve.solver}


def fingerprint_text(config: EncodeConfig) -> str:
    """All settings that the chunks depend on in one line, defaults included."""
    return repr(sorted((key, value) for key, value in _flat(asdict(config)).items() if key not in _SAID_OTHERWISE))


def _flat(values: dict[str, object], prefix: str = "") -> dict[str, str]:
    out: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            out |= _flat(value, f"{prefix}{key}.")
        else:
            out[prefix + key] = str(value)
    return out
