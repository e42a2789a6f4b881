"""Makes the footage of a rig in a made-up room, with calibration, test views and depth.

    python -m samples.make_rig OUT --rig dome --cameras 12 --frames 8 --size 320x240

OUT then holds `models.json` (Broxton's layout), one video per camera (or one PNG folder per camera, for a still or with
--images), `test_views.json`, `test_views/*.png`, `test_depth/*.npz`, and with --sound `sound.wav`. Test views are
pinhole pictures of no rig camera; their depth is in metres along the optical axis. Same options, same bytes.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from samples import cameras as cam
from samples.footage import write_png, write_tone, write_video
from samples.rig_files import write_models, write_test_views
from samples.scene import Primitives, room
from samples.trace import depth, render


@dataclass(frozen=True)
class RigConfig:
    """What to make. Lengths in metres, angles in radians.

    Attributes:
        rig: "dome" or "planar". lens: "fisheye" or "pinhole".
        field: across a picture's width.
        distortion: k1 and k2 of a fisheye.
        radius, cap: of the dome. spacing: of the plane's cameras.
        samples: squared, rays a pixel.
        images: PNG folders instead of videos.
        views: test views, each at the first, middle and last frame.
    """

    rig: str = "dome"
    cameras: int = 12
    frames: int = 8
    width: int = 320
    height: int = 240
    frame_rate: Fraction = Fraction(30)
    lens: str = "fisheye"
    field: float = math.radians(120)
    distortion: tuple[float, float] = (0.0, 0.0)
    radius: float = 0.25
    cap: float = math.radians(70)
    spacing: float = 0.1
    samples: int = 2
    seed: int = 0
    images: bool = False
    sound: bool = False
    views: int = 4
    view_size: int = 256


def make_rig(out: Path, config: RigConfig, *, progress: Callable[[str], None] = lambda line: None) -> None:
    """Writes the rig's folder. `progress` gets a line for each camera and view."""
    out.mkdir(parents=True, exist_ok=True)
    scenes = [room(float(frame / config.frame_rate)) for frame in range(config.frames)]
    cameras = place_cameras(config)
    write_models(out / "models.json", cameras)
    for camera in cameras:
        progress(f"{camera.name}: {config.frames} frames")
        _film(out, camera, scenes, config)
    _write_views(out, scenes, config, progress)
    if config.sound:
        write_tone(out / "sound.wav", duration_s=float(config.frames / config.frame_rate))


def place_cameras(config: RigConfig) -> list[cam.SampleCamera]:
    """The rig's cameras, in the frame of `models.json`."""
    kind = cam.FISHEYE if config.lens == "fisheye" else cam.PINHOLE
    lens = cam.Lens(kind, config.width, config.height, config.field, *config.distortion)
    if config.rig == "dome":
        return cam.dome(lens, config.cameras, radius=config.radius, cap=config.cap, seed=config.seed)
    return cam.planar(lens, config.cameras, spacing=config.spacing, seed=config.seed)


def place_views(config: RigConfig) -> list[cam.SampleCamera]:
    """Test views inside the volume that the rig covers."""
    dome = config.rig == "dome"
    rows = math.sqrt(config.cameras * 3 / 4)
    reach = 0.55 * config.radius if dome else 0.4 * config.spacing * max(1.0, rows - 1.0)
    return cam.test_views(
        config.views,
        size=config.view_size,
        field=math.radians(90) if dome else min(math.radians(90), 0.8 * config.field),
        reach=np.array([reach, reach, reach if dome else 0.3 * reach]),
        turn=0.6 * config.cap if dome else math.radians(3),
        seed=config.seed + 1,
    )


def _film(out: Path, camera: cam.SampleCamera, scenes: list[Primitives], config: RigConfig) -> None:
    pictures = (render(scene, camera, samples=config.samples) for scene in scenes)
    if len(scenes) > 1 and not config.images:
        write_video(out / f"{camera.name}.mp4", pictures, rate=config.frame_rate)
        return
    folder = out / camera.name
    folder.mkdir(exist_ok=True)
    for index, picture in enumerate(pictures):
        write_png(folder / f"{index:06d}.png", picture)


def _write_views(out: Path, scenes: list[Primitives], config: RigConfig, progress: Callable[[str], None]) -> None:
    (out / "test_views").mkdir(exist_ok=True)
    (out / "test_depth").mkdir(exist_ok=True)
    written = []
    for frame in sorted({0, len(scenes) // 2, len(scenes) - 1}):
        for view in place_views(config):
            name = f"{view.name}_f{frame:02d}"
            progress(f"test view {name}")
            write_png(out / "test_views" / f"{name}.png", render(scenes[frame], view, samples=config.samples + 1))
            np.savez_compressed(out / "test_depth" / f"{name}.npz", depth=depth(scenes[frame], view))
            written.append((view, frame, f"test_views/{name}.png"))
    write_test_views(out / "test_views.json", written)


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    args = _parser().parse_args(argv)
    width, height = args.size
    default_field = {"fisheye": 120.0, "pinhole": 75.0}
    lens = args.lens or ("fisheye" if args.rig == "dome" else "pinhole")
    config = RigConfig(
        rig=args.rig,
        cameras=args.cameras,
        frames=args.frames,
        width=width,
        height=height,
        frame_rate=args.fps,
        lens=lens,
        field=math.radians(args.field or default_field[lens]),
        distortion=tuple(args.distortion),
        radius=args.radius,
        cap=math.radians(args.cap),
        spacing=args.spacing,
        samples=args.samples,
        seed=args.seed,
        images=args.images,
        sound=args.sound,
        views=args.views,
        view_size=args.view_size,
    )
    make_rig(args.out, config, progress=lambda line: print(line, file=sys.stderr))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m samples.make_rig",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = RigConfig()
    add = parser.add_argument
    add("out", type=Path, metavar="OUT", help="the rig's folder")
    add("--rig", choices=("dome", "planar"), default=default.rig, help="cameras on a dome, or side by side")
    add("--cameras", type=_count, default=default.cameras, metavar="N")
    add("--frames", type=_count, default=default.frames, metavar="N", help="1 makes a still of PNGs")
    add("--size", type=_size, default=(default.width, default.height), metavar="WxH", help="even numbers")
    add("--fps", type=Fraction, default=default.frame_rate, metavar="RATE", help="such as 30 or 30000/1001")
    add("--lens", choices=("fisheye", "pinhole"), help="default: fisheye for a dome, pinhole for a plane")
    add("--field", type=float, metavar="DEGREES", help="across the picture (default: fisheye 120, pinhole 75)")
    add("--distortion", type=float, nargs=2, default=default.distortion, metavar=("K1", "K2"), help="of a fisheye")
    add("--radius", type=float, default=default.radius, metavar="METRES", help="of the dome")
    add(
        "--cap",
        type=float,
        default=math.degrees(default.cap),
        metavar="DEGREES",
        help="from forward to the dome's edge",
    )
    add("--spacing", type=float, default=default.spacing, metavar="METRES", help="of the plane's cameras")
    add("--samples", type=_count, default=default.samples, metavar="N", help="N x N rays a pixel")
    add("--views", type=int, default=default.views, metavar="N", help="test views")
    add("--view-size", type=_count, default=default.view_size, metavar="PIXELS")
    add("--seed", type=int, default=default.seed, help="of the cameras' rolls and the test views")
    add("--images", action="store_true", help="PNG folders instead of videos")
    add("--sound", action="store_true", help="also sound.wav")
    return parser


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return value


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None or any(int(side) < 16 or int(side) % 2 for side in match.groups()):
        raise argparse.ArgumentTypeError(f"'{text}' is no size; give two even numbers from 16 on, such as 320x240")
    return int(match[1]), int(match[2])


if __name__ == "__main__":
    sys.exit(main())
