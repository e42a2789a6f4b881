"""What every camera model has: an image size, a flat tuple of parameters, project and unproject.

Camera frames follow OpenCV (x right, y down, z forward); pixel centres are at +0.5, the image spans [0, width] x
[0, height] (DESIGN 3).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar, Self

from protocol.errors import RigError

# Cameras of the next decades fit; a wrong number in a calibration does not.
LARGEST_SIDE = 65536


@dataclass(frozen=True)
class CameraModel(ABC):
    """The lens and sensor of one camera.

    Attributes:
        width, height: pixels.
        params: the kind's parameters in the order of `parameter_names`; lengths in pixels.

    Raises:
        RigError: a size or a parameter is impossible.
    """

    width: int
    height: int
    params: tuple[float, ...]

    kind: ClassVar[str]
    parameter_names: ClassVar[tuple[str, ...]]
    # Kinds that end in a polynomial of any degree have more parameters than names.
    open_ended: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name, side in (("width", self.width), ("height", self.height)):
            if not 1 <= side <= LARGEST_SIDE:
                raise RigError(f"{self.kind} camera: {name} {side} is not 1 to {LARGEST_SIDE} pixels")
        wanted = len(self.parameter_names)
        if len(self.params) < wanted or (len(self.params) > wanted and not self.open_ended):
            raise RigError(f"{self.kind} camera: {len(self.params)} parameters, {wanted} are needed")
        for index, value in enumerate(self.params):
            if not math.isfinite(value):
                name = self.parameter_names[min(index, wanted - 1)]
                raise RigError(f"{self.kind} camera: {name} is {value}; give a finite number")
        for name, value in zip(self.parameter_names, self.params, strict=False):
            if name in ("fx", "fy") and value <= 0:
                raise RigError(
                    f"{self.kind} camera: focal length {name} = {value} must be positive; calibrate it again"
                )

    @abstractmethod
    def project(self, points: Any) -> tuple[Any, Any]:
        """(..., 3) points in the camera frame, numpy or torch -> (..., 2) pixels and (...) bool.

        False where the lens does not image the point: behind it, or so far off the axis that the distortion
        would fold it back. The pixel may still lie outside of the image; ask `inside`.
        """

    @abstractmethod
    def unproject(self, pixels: Any) -> tuple[Any, Any]:
        """(..., 2) pixels, numpy or torch -> (..., 3) unit rays in the camera frame and (...) bool.

        False where no light of the model falls on the pixel (the dark rim of a fisheye). Rays beyond 90 degrees off
        the axis have z < 0.
        """

    @abstractmethod
    def stretched(self, x: float, y: float, width: int, height: int) -> Self:
        """The model of the image whose pixel coordinates are multiplied by `x` and `y`."""

    def inside(self, pixels: Any) -> Any:
        """(..., 2) pixels -> (...) bool: within [0, width] x [0, height]."""
        x, y = pixels[..., 0], pixels[..., 1]
        return (x >= 0) & (x <= self.width) & (y >= 0) & (y <= self.height)

    def scaled(self, factor: Fraction | float, width: int, height: int) -> Self:
        """The model of the image resized by `factor` on both axes and cut or padded to width x height at the far edges.

        Pixel centres at +0.5 make this a pure scaling.
        """
        return self.stretched(float(factor), float(factor), width, height)

    def resized(self, width: int, height: int) -> Self:
        """The model of the whole image resized to width x height; the two axes may scale a little differently."""
        return self.stretched(width / self.width, height / self.height, width, height)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for msgpack or JSON; `model_from_dict` reads them."""
        return {"kind": self.kind, "width": self.width, "height": self.height, "params": list(self.params)}

    def with_params(self, params: tuple[float, ...], width: int, height: int) -> Self:
        """The same kind with other numbers."""
        return replace(self, params=params, width=width, height=height)
