"""Scenes without end: textured, thin, translucent and shiny patches at random depths before random rigs, by seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray

from encoder.msi.scene import Scene
from encoder.msi.views import Floats, make_view
from encoder.rig.fisheye import KannalaBrandt
from encoder.rig.perspective import Pinhole
from encoder.train.textures import TextureBank
from protocol import geometry
from protocol.geometry import Array
from protocol.projection import Projection, shell_disparities

_SUPERSAMPLED = 2
_CAP = math.radians(40.0)  # of a dome: cameras that look the window's way
_BEHIND = 1e6


@dataclass(frozen=True)
class SceneConfig:
    """What is made up. Ranges are uniform, inclusive.

    Attributes:
        side: pixels of a camera's picture and about as many texels of the window, across and down.
        shells: how many; cameras: to solve from; targets: further views to be judged at.
        beyond: how much farther from the cameras' middle than between them targets may lie, as a share.
        shift: pixels by which the nearest thing moves between the outermost cameras.
        patches: how many things there are before the background.
        texel: pixels that a texel of their textures covers.
        exposure, noise, blur: of a camera: standard deviations of its gain, of noise (levels of 255, up to), and of a
            Gaussian over pixels (up to).
        turn: pixels by which a camera is turned from what its calibration says, up to.
    """

    side: int = 64
    shells: tuple[int, int] = (16, 28)
    cameras: tuple[int, int] = (4, 12)
    targets: int = 2
    beyond: float = 0.0
    shift: tuple[float, float] = (8.0, 26.0)
    patches: tuple[int, int] = (4, 14)
    texel: tuple[float, float] = (1.0, 3.5)
    exposure: float = 0.01
    noise: float = 2.5
    blur: float = 0.6
    turn: float = 0.5


@dataclass(frozen=True, eq=False)
class TrainingScene:
    """One scene.

    Attributes:
        scene: shells and source cameras, as their calibration says.
        images: (height, width, 3) uint8 sRGB by the cameras' names, those of the targets without noise.
        judged: the same shells, seen by the targets, which are no source.
    """

    scene: Scene
    images: Mapping[str, NDArray[np.uint8]]
    judged: Scene


@dataclass(frozen=True, eq=False)
class _Patch:
    """A flat thing. centre, across, down: (3,); half: its half sides; texture (3, h, w), `texel` in metres."""

    centre: Array
    across: Array
    down: Array
    half: tuple[float, float]
    texture: torch.Tensor
    texel: float
    shift: tuple[float, float]
    shape: str
    opacity: float
    mirror: float


def make_scene(seed: Sequence[int], bank: TextureBank, config: SceneConfig | None = None) -> TrainingScene:
    """The scene of a seed: the same seed, bank and config give the same scene."""
    config = config or SceneConfig()
    rng = np.random.default_rng(seed)
    dome = rng.random() < 0.4
    rig = _dome(rng, config) if dome else _flat(rng, config)
    window, cameras, targets, disparities = rig
    patches = _patches(rng, window, disparities, bank, config)
    views, images = [], {}
    for k, (model, pose) in enumerate(cameras):
        images[f"c{k}"] = _filmed(rng, _traced(patches, model, pose, bank), config)
        error = rng.uniform(-1, 1, 3) * config.turn * min(1.0, rng.exponential(0.4)) / model.params[0]
        wrong: NDArray[np.float64] = np.array(
            pose @ geometry.pose(geometry.rotation_from_angle_axis(error), np.zeros(3)), np.float64
        )
        views.append(make_view(f"c{k}", model, wrong, None))
    goals = []
    for k, (model, pose) in enumerate(targets):
        images[f"t{k}"] = _rounded(_traced(patches, model, pose, bank))
        goals.append(make_view(f"t{k}", model, np.asarray(pose, np.float64), None))
    shells = disparities.astype(np.float32)
    return TrainingScene(Scene(window, shells, tuple(views)), images, Scene(window, shells, tuple(goals)))


_Camera = tuple[Pinhole | KannalaBrandt, Array]
_Rig = tuple[Projection, list[_Camera], list[_Camera], Array]


def _flat(rng: np.random.Generator, config: SceneConfig) -> _Rig:
    side, count = config.side, int(rng.integers(config.cameras[0], config.cameras[1] + 1))
    focal = side * rng.uniform(0.7, 1.6)
    model = Pinhole(side, side, (focal, focal, side / 2, side / 2))
    spread = np.array([0.5, 0.5 * rng.choice([0.0, 0.3, 1.0]), 0.0])
    across = max(2, round(math.sqrt(count * max(spread[1] / 0.5, 1 / count))))
    grid = np.array([[k % across, k // across, 0.0] for k in range(count)])
    grid = 2 * grid / np.maximum(grid.max(axis=0), 1) - 1
    places = (grid + rng.normal(0, 0.15, grid.shape)) * [spread[0], spread[1], 0.03]
    extent = float(np.linalg.norm(np.ptp(places, axis=0)))
    shift = rng.uniform(*config.shift)
    near = focal * extent / shift * (1 - (far_share := rng.uniform(0.0, 0.3)))
    disparities = shell_disparities(_count(rng, config), near=near, far=near / max(far_share, 1e-3))
    width = side + math.ceil(shift) + 4
    window = Projection("plane", width, width, -width / 2 / focal, width / 2 / focal, focal)

    def camera(place: Array) -> _Camera:
        turn = geometry.rotation_from_angle_axis(rng.normal(0, 0.02, 3))
        return model, geometry.pose(turn @ geometry.T_WORLD_FORWARD_CAMERA[:3, :3], place)

    return window, [camera(p) for p in places], [camera(p) for p in _between(rng, places, config)], disparities


def _dome(rng: np.random.Generator, config: SceneConfig) -> _Rig:
    side, count = config.side, int(rng.integers(config.cameras[0], config.cameras[1] + 1))
    focal = side / rng.uniform(1.5, 2.3)
    model = KannalaBrandt(side, side, (focal, focal, side / 2, side / 2, rng.uniform(-0.04, 0.08), 0.0, 0.0, 0.0))
    ahead = geometry.rotation_from_angle_axis(np.array([rng.uniform(-0.8, 0.8), rng.uniform(-3.1, 3.1), 0.0]))
    ways = np.stack([_tilted(rng, _CAP * math.sqrt(rng.random())) for _ in range(count)]) @ ahead.T
    places = ways * rng.uniform(0.9, 1.1, (count, 1))
    extent = float(np.linalg.norm(places[:, None] - places, axis=-1).max())
    far_share = rng.uniform(0.0, 0.3)
    near = max(1.4, focal * extent / rng.uniform(*config.shift) * (1 - far_share))
    disparities = shell_disparities(_count(rng, config), near=near, far=near / max(far_share, 1e-3))
    middle = ahead @ [0.0, 0.0, -1.0]
    longitude, latitude = math.atan2(middle[0], -middle[2]), math.asin(middle[1])
    width = side + 8
    window = Projection(
        "sphere", width, width, longitude - width / 2 / focal, latitude + width / 2 / focal, focal, wraps=False
    )

    def camera(place: Array) -> _Camera:
        axis = place / np.linalg.norm(place)
        z = axis + rng.normal(0, 0.05, 3)
        z /= np.linalg.norm(z)
        x = np.cross(z, [0.0, 1.0, 0.0])
        x /= np.linalg.norm(x)
        return model, geometry.pose(np.stack([x, np.cross(z, x), z], axis=1), place)

    return window, [camera(p) for p in places], [camera(p) for p in _between(rng, places, config)], disparities


def _tilted(rng: np.random.Generator, angle: float) -> Array:
    turn = rng.uniform(0, 2 * math.pi)
    return np.array([math.sin(angle) * math.cos(turn), math.sin(angle) * math.sin(turn), -math.cos(angle)])


def _count(rng: np.random.Generator, config: SceneConfig) -> int:
    return int(rng.integers(config.shells[0], config.shells[1] + 1))


def _between(rng: np.random.Generator, places: Array, config: SceneConfig) -> Array:
    """Places of the targets: random means of three cameras, or beyond them."""
    picks = np.stack([rng.permutation(len(places))[:3] for _ in range(config.targets)])
    shares = rng.dirichlet([1.0] * picks.shape[1], config.targets)
    between = np.einsum("tk,tkc->tc", shares, places[picks])
    if not config.beyond:
        return np.asarray(between)
    middle = places.mean(axis=0)
    return np.asarray(middle + (between - middle) * rng.uniform(1, 1 + config.beyond, (config.targets, 1)))


def _patches(
    rng: np.random.Generator, window: Projection, disparities: Array, bank: TextureBank, config: SceneConfig
) -> list[_Patch]:
    low, high = float(disparities[0]), float(disparities[-1])
    out = []
    for k in range(int(rng.integers(config.patches[0], config.patches[1] + 1)) + 1):
        back = k == 0
        xy = np.array([window.width, window.height]) * (0.5 if back else rng.random(2))
        way = window.directions(xy)
        disparity = max(low, 1e-4) if back else low + (high - low) * rng.uniform(0.02, 0.98)
        centre = way / disparity
        pixel = float(np.linalg.norm(centre)) / window.density
        facing = -way / np.linalg.norm(way)
        normal = geometry.rotation_from_angle_axis(rng.normal(0, 0.05 if back else 0.5, 3)) @ facing
        across = np.cross(normal, rng.normal(size=3))
        across /= np.linalg.norm(across)
        half = rng.uniform(3, 32, 2) * pixel
        kind = "all" if back else rng.choice(["box", "disc", "holes", "bar"], p=[0.4, 0.25, 0.2, 0.15])
        if kind == "bar":
            half = np.array([rng.uniform(20, 60), rng.uniform(0.4, 1.6)]) * pixel
        out.append(
            _Patch(
                centre=centre,
                across=across,
                down=np.cross(normal, across),
                half=(float(half[0]), float(half[1])),
                texture=bank.pick(rng),
                texel=pixel * float(rng.uniform(*config.texel)),
                shift=(float(rng.random()), float(rng.random())),
                shape=str(kind),
                opacity=float(rng.uniform(0.25, 0.8)) if not back and rng.random() < 0.12 else 1.0,
                mirror=float(rng.uniform(0.2, 0.8)) if not back and rng.random() < 0.1 else 0.0,
            )
        )
    return out


def _traced(patches: list[_Patch], model: Pinhole | KannalaBrandt, pose: Array, bank: TextureBank) -> Floats:
    """(height, width, 3) sRGB in 0..1: the patches through a lens, several rays a pixel."""
    n, device = _SUPERSAMPLED, bank.device
    ys, xs = np.mgrid[0 : n * model.height, 0 : n * model.width]
    rays, _ = model.unproject(np.stack([xs + 0.5, ys + 0.5], axis=-1) / n)
    directions = torch.as_tensor(rays.reshape(-1, 3) @ pose[:3, :3].T, dtype=torch.float32, device=device)
    origin = torch.as_tensor(pose[:3, 3], dtype=torch.float32, device=device)
    distances, colours, alphas = zip(*(_hit(patch, origin, directions, bank) for patch in patches), strict=True)
    order = torch.stack(distances).argsort(dim=0, descending=True)
    colour = torch.stack(colours).gather(0, order[..., None].expand(-1, -1, 3))
    alpha = torch.stack(alphas).gather(0, order)[..., None]
    seen = torch.full_like(colour[0], 0.5)
    for c, a in zip(colour, alpha, strict=True):
        seen = seen + a * (c - seen)
    picture = seen.reshape(n * model.height, n * model.width, 3).permute(2, 0, 1)[None]
    return np.ascontiguousarray(functional.avg_pool2d(picture, n)[0].permute(1, 2, 0).cpu().numpy())


def _hit(
    patch: _Patch, origin: torch.Tensor, directions: torch.Tensor, bank: TextureBank
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Distances (R,), colours (R, 3), alphas (R,) of a patch along rays."""

    def fixed(values: Array) -> torch.Tensor:
        return torch.as_tensor(values, dtype=torch.float32, device=directions.device)

    normal = fixed(np.cross(patch.across, patch.down))
    slope = directions @ normal
    slope = torch.where(slope.abs() < 1e-6, torch.full_like(slope, 1e-6), slope)
    distance = ((fixed(patch.centre) - origin) @ normal) / slope
    offset = origin + distance[:, None] * directions - fixed(patch.centre)
    u, v = offset @ fixed(patch.across), offset @ fixed(patch.down)
    _, height, width = patch.texture.shape
    at = torch.stack([u / patch.texel / width + patch.shift[0], v / patch.texel / height + patch.shift[1]], dim=-1)
    colour = _sampled(patch.texture, at)
    if patch.mirror:
        away = directions - 2 * (directions @ normal)[:, None] * normal
        around = torch.stack([torch.atan2(away[:, 0], -away[:, 2]) / math.pi, away[:, 1]], dim=-1)
        colour = colour + patch.mirror * (_sampled(bank.surroundings, around) - colour)
    a, b = u / patch.half[0], v / patch.half[1]
    if patch.shape == "disc":
        inside = a * a + b * b < 1
    else:
        inside = (a.abs() < 1) & (b.abs() < 1) if patch.shape != "all" else torch.ones_like(a, dtype=torch.bool)
    if patch.shape == "holes":
        inside &= _sampled(bank.surroundings, at.flip(-1) * 0.7)[:, 1] > 0.4
    inside &= distance > 0
    return torch.where(inside, distance, torch.full_like(distance, _BEHIND)), colour, inside * patch.opacity


def _sampled(texture: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """(R, 3) of a texture (3, h, w) that is mirrored without end, at (R, 2) in shares of its sides."""
    grid = (2 * at - 1)[None, None]
    return functional.grid_sample(texture[None], grid, padding_mode="reflection", align_corners=False)[0, :, 0].T


def _filmed(rng: np.random.Generator, picture: Floats, config: SceneConfig) -> NDArray[np.uint8]:
    """What a camera makes of what is there."""
    sigma = rng.uniform(0, config.blur)
    if sigma > 0.2:
        reach = np.arange(-2, 3)
        kernel = np.exp(-0.5 * (reach / sigma) ** 2)
        kernel /= kernel.sum()
        padded = np.pad(picture, [(2, 2), (2, 2), (0, 0)], mode="edge")
        padded = sum(k * padded[i : i + len(picture)] for i, k in enumerate(kernel))
        picture = sum(k * padded[:, i : i + picture.shape[1]] for i, k in enumerate(kernel))
    gain = 1 + rng.normal(0, config.exposure, 3)
    noise = rng.normal(0, rng.uniform(0, config.noise) / 255, picture.shape)
    return _rounded(picture * gain + noise)


def _rounded(picture: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.round(255 * np.clip(picture, 0, 1)).astype(np.uint8)
