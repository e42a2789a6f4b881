"""Which videos, image folders and images lie in a rig's folder, and which of them answers to a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

VIDEO_ENDINGS = frozenset({".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v", ".mts", ".m2ts", ".ts", ".mxf", ".ogv"})
IMAGE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".exr"})
# Folders whose content is footage of several cameras; "" is the rig's folder itself.
ROOTS = ("", "videos", "video", "images", "image", "footage", "frames", "cameras", "input")
_SCALED_ROOT = re.compile(r"images_\d+$")
_MASK_FOLDERS = ("masks", "mask")


@dataclass(frozen=True)
class Footage:
    """Images in order of time, or one video; and the mask that lies beside them."""

    files: tuple[Path, ...] | Path
    mask: Path | None

    @property
    def first(self) -> Path:
        """The video, or the first image."""
        return self.files if isinstance(self.files, Path) else self.files[0]


def is_video(path: Path) -> bool:
    """By its ending."""
    return path.suffix.lower() in VIDEO_ENDINGS


def is_image(path: Path) -> bool:
    """By its ending; masks do not count."""
    return path.suffix.lower() in IMAGE_ENDINGS and not path.stem.lower().endswith("mask")


def natural_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Sorts 2.png before 10.png."""
    pieces = re.split(r"(\d+)", path.name)
    return [(int(piece), "") if piece.isdigit() else (-1, piece.lower()) for piece in pieces], path.name


def roots(folder: Path) -> list[Path]:
    """The folders to look into, best first: full-size images before the scaled copies that some tools leave."""
    found = [folder / root for root in ROOTS if (folder / root).is_dir()]
    if folder / "images" not in found:
        found += sorted(
            (path for path in folder.iterdir() if path.is_dir() and _SCALED_ROOT.match(path.name)), key=natural_order
        )
    return found


def find_footage(folder: Path, name: str) -> Footage | None:
    """The footage that answers to a name: a path from the rig's folder or a root of footage, with or without ending.

    A video comes before a folder of images, and that before a single image. A path that leads nowhere is tried by its
    last part alone, because tools write paths of other machines into their files.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    known = path.suffix.lower() in VIDEO_ENDINGS | IMAGE_ENDINGS
    tries = [path] if path.name == str(path) else [path, PurePosixPath(path.name)]
    for attempt in tries:
        stem = attempt.with_suffix("") if known else attempt
        for root in roots(folder):
            found = _at(root, stem, exact=attempt)
            if found is not None:
                return Footage(found, _mask(folder, found, stem.name))
    return None


def _at(root: Path, stem: PurePosixPath, *, exact: PurePosixPath) -> tuple[Path, ...] | Path | None:
    base = root / stem
    if not base.parent.is_dir():
        return None
    same = [path for path in sorted(base.parent.iterdir()) if path.is_file() and path.name.startswith(f"{base.name}.")]
    beside = [path for path in same if path.stem == base.name]
    for path in beside:
        if is_video(path):
            return path
    if base.is_dir() and base != root:
        inside = sorted((path for path in base.iterdir() if path.is_file()), key=natural_order)
        videos = [path for path in inside if is_video(path)]
        images = tuple(path for path in inside if is_image(path))
        if len(videos) == 1:
            return videos[0]
        if images:
            return images
    if (root / exact).is_file() and is_image(root / exact):
        return (root / exact,)
    stills = [path for path in beside if is_image(path)]
    return (stills[0],) if stills else None


def _mask(folder: Path, files: tuple[Path, ...] | Path, name: str) -> Path | None:
    first = files if isinstance(files, Path) else files[0]
    own_folder = isinstance(files, tuple) and first.parent.name == name
    places = [first.parent / "mask"] if own_folder else []
    places += [first.parent / f"{first.stem}_mask", *(folder / masks / name for masks in _MASK_FOLDERS)]
    for place in places:
        for ending in sorted(IMAGE_ENDINGS):
            if place.with_name(place.name + ending).is_file():
                return place.with_name(place.name + ending)
    return None


def all_footage(folder: Path) -> Iterator[tuple[Path, tuple[Path, ...]]]:
    """Everything that could be a camera's footage: (how to call it, the files that it consists of)."""
    searched = roots(folder)
    for root in searched:
        for path in sorted(root.iterdir(), key=natural_order):
            if path.name.startswith("."):
                continue
            if path.is_file() and (is_video(path) or is_image(path)):
                yield path.relative_to(folder), (path,)
            elif path.is_dir() and path not in searched and path.name not in _MASK_FOLDERS:
                if _SCALED_ROOT.match(path.name):
                    continue
                inside = tuple(sorted(filter(_is_footage, path.iterdir()), key=natural_order))
                if inside:
                    yield path.relative_to(folder), inside


def _is_footage(path: Path) -> bool:
    return path.is_file() and (is_video(path) or is_image(path))
