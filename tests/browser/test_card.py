"""Colours are those that the format states: a card of flat patches, coded without loss, comes out exact to 1/255."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from encoder.video.codec_string import codec_string
from encoder.video.encode import encode_gop
from protocol.chunk import Chunk, VideoAccessUnit, encode_segment
from protocol.manifest import Manifest, Rung
from protocol.mesh_codec import Geometry, LayerMesh, Rect, encode_geometry
from protocol.partial import PartialShow
from protocol.projection import Projection
from protocol.serve.script import Script
from protocol.serve.server import ServeConfig
from tests.browser.playing import snapshot
from tests.browser.watching import shown, watch
from tests.protocol.serve.running import running

PATCH, ACROSS, DOWN = 16, 16, 8
WIDTH, HEIGHT = PATCH * ACROSS, PATCH * DOWN
BACKGROUND = (0.25, 0.5, 0.75)


def test_patches(page: Page, script: Script, tmp_path: Path) -> None:
    colours, alphas = _patches()
    show = _write(tmp_path / "card.lfv", colours, alphas)
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    with running(show, config=ServeConfig(script=script)) as server:
        watch(page, server.port, "card")
        shown(page)
        picture = snapshot(page)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    wanted = 255 * (_srgb(colours) * alphas[..., None] + np.array(BACKGROUND) * (1 - alphas[..., None]))
    # Away from the patches' borders, where neighbours' chroma begins.
    inner = picture.reshape(DOWN, PATCH, ACROSS, PATCH, 3)[:, 4:-4, :, 4:-4]
    error = np.abs(inner.transpose(0, 2, 1, 3, 4) - wanted[:, :, None, None])
    assert error.max() <= 1.0, error.max(axis=(2, 3, 4))


def _patches() -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """(DOWN, ACROSS, 3) coded Y, Cb, Cr of sRGB colours, the cube's corners among them, and alphas of whole steps."""
    random = np.random.default_rng(7)
    rgb = random.random((DOWN, ACROSS, 3))
    rgb[0, :8] = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), axis=-1).reshape(8, 3)
    rgb[0, 8:] = np.linspace(0, 1, 8)[:, None]
    y = rgb @ (0.2126, 0.7152, 0.0722)
    cb, cr = (rgb[..., 2] - y) / 1.8556, (rgb[..., 0] - y) / 1.5748
    coded = np.stack([16 + 219 * y, 128 + 224 * cb, 128 + 224 * cr], axis=-1)
    alphas = np.ones((DOWN, ACROSS))
    alphas[DOWN // 2 :] = np.round(random.random((DOWN // 2, ACROSS)) * 219) / 219
    return np.rint(coded).astype(np.uint8), alphas


def _srgb(coded: NDArray[np.uint8]) -> NDArray[np.float64]:
    """BT.709 limited range -> sRGB 0..1 (ITU-R BT.709-6 section 3)."""
    y, cb, cr = np.moveaxis((coded - np.array([16.0, 128.0, 128.0])) / (219.0, 224.0, 224.0), -1, 0)
    red, blue = y + 1.5748 * cr, y + 1.8556 * cb
    green = (y - 0.2126 * red - 0.0722 * blue) / 0.7152
    return np.stack([red, green, blue], axis=-1).clip(0, 1)


def _write(path: Path, colours: NDArray[np.uint8], alphas: NDArray[np.float64]) -> Path:
    def spread(values: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
        return values.repeat(size, axis=0).repeat(size, axis=1)

    luma = np.concatenate([spread(colours[..., 0], PATCH), spread(np.rint(16 + 219 * alphas).astype(np.uint8), PATCH)])
    grey = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    cb, cr = (np.concatenate([spread(colours[..., i], PATCH // 2), grey]) for i in (1, 2))
    units = encode_gop(iter([(luma, cb, cr)]), codec="h264", quality=0, frame_rate=Fraction(30), threads=1)
    # One texel a pixel for a view of 90 degrees: a plane whose tangents are those of the view.
    projection = Projection("plane", WIDTH, HEIGHT, left=-1.0, top=HEIGHT / WIDTH, density=WIDTH / 2)
    layer = LayerMesh(
        points=np.array([(0, 0), (WIDTH, 0), (0, HEIGHT), (WIDTH, HEIGHT)], np.uint16),
        disparities=np.full((1, 4), 0.5, np.float32),
        rects=(Rect(0, 0, WIDTH, HEIGHT, 0, 0),),
        triangles=np.array([(0, 1, 3), (0, 3, 2)], np.uint32),
        triangle_rect=np.zeros(2, np.uint16),
    )
    rung = Rung(
        name="card", codec="h264", codec_string=codec_string("h264", units[0].data), width=WIDTH, height=2 * HEIGHT,
        colour_width=WIDTH, colour_height=HEIGHT, alpha_x=0, alpha_y=HEIGHT, texture_scale=1.0, bits_per_second=1,
    )  # fmt: skip
    manifest = Manifest(
        title="card", frame_rate=None, frame_count=1, duration=Fraction(1), projection=projection, near=1.0, far=10.0,
        layer_count=1, comfort_min=(-0.1, -0.1, -0.1), comfort_max=(0.1, 0.1, 0.1), units="metres",
        T_show_rig=np.eye(4), cameras=(), rungs=(rung,), background=BACKGROUND,
    )  # fmt: skip
    chunk = Chunk(
        index=0, rung=0, first_frame=0, start=Fraction(0), duration=Fraction(1), frame_times=(Fraction(0),),
        geometry=encode_geometry(Geometry((layer,))),
        video=tuple(VideoAccessUnit(unit.pts, unit.key, unit.data) for unit in units),
    )  # fmt: skip
    with PartialShow.open_or_create(path, fingerprint=b"card", restart=True) as journal:
        journal.append([encode_segment(chunk)])
        journal.finalise(manifest)
    return path
