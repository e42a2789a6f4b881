"""What the compositor draws, against numbers worked out by hand."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import moderngl
import numpy as np
import pytest

from encoder.rig.models import model_from_dict
from player.composite.view import ModelView, PinholeView, eye_heads, head_view
from player.headless import HeadlessRenderer
from protocol.errors import DisplayError, FormatError
from protocol.geometry import T_WORLD_FORWARD_CAMERA, pose, rotation_from_angle_axis
from protocol.mesh_codec import Geometry
from protocol.projection import Projection
from tests.player.scenes import PLANE, Equidistant, Projecting, grid_layer, psnr, rgb, rung, texel_view, yuv

STEP = 1.0 / 255.0


def card() -> np.ndarray:
    """(48, 64, 3) patches of 8x8 texels with random colours."""
    patches = np.random.default_rng(0).random((6, 8, 3))
    return patches.repeat(8, axis=0).repeat(8, axis=1)


def whole_layer(disparity: float, *, frames: int = 1) -> Geometry:
    return Geometry((grid_layer(0, 0, 64, 48, step=16, atlas=(0, 0), disparity=disparity, frames=frames),))


@pytest.mark.parametrize("disparity", [0.0, 0.5, 4.0])
def test_colour_card_is_exact_from_the_origin(context: moderngl.Context, disparity: float) -> None:
    planes = yuv(card(), np.ones((48, 64)))
    renderer = HeadlessRenderer(PLANE, rung(), ctx=context)
    renderer.set_geometry(whole_layer(disparity))
    renderer.set_frame(0, *planes)
    drawn = renderer.render(texel_view())
    expected = rgb(*planes)[:48]
    flat = np.s_[2:-2, 2:-2]
    inside = np.zeros((8, 8), bool)
    inside[2:6, 2:6] = True
    patches = np.tile(inside, (6, 8))
    assert np.abs(drawn[..., :3] - expected)[patches].max() <= STEP
    # Between patches the linear filter of the software renderer has 8 bits only.
    assert np.abs(drawn[..., :3] - expected)[flat].max() <= 3 * STEP
    assert np.all(drawn[..., 3] == 1)
    renderer.close()


def test_uint8_pictures_are_the_rounded_ones(context: moderngl.Context) -> None:
    renderer = HeadlessRenderer(PLANE, rung(), ctx=context)
    renderer.set_geometry(whole_layer(0.0))
    renderer.set_frame(0, *yuv(card(), np.ones((48, 64))))
    exact = renderer.render(texel_view())
    rounded = renderer.render(texel_view(), dtype="uint8")
    assert rounded.dtype == np.uint8
    assert np.abs(rounded - 255.0 * exact).max() <= 0.51
    renderer.close()


def test_texture_scale_shrinks_the_region_only(context: moderngl.Context) -> None:
    flat = np.broadcast_to([0.2, 0.6, 0.4], (24, 32, 3))
    renderer = HeadlessRenderer(PLANE, rung(32, 24, scale=0.5), ctx=context)
    renderer.set_geometry(whole_layer(0.0))
    planes = yuv(flat, np.ones((24, 32)))
    renderer.set_frame(0, *planes)
    drawn = renderer.render(texel_view())
    assert np.abs(drawn[2:-4, 2:-2, :3] - rgb(*planes)[0, 0]).max() <= STEP
    renderer.close()


def spot(renderer: HeadlessRenderer, view: PinholeView) -> np.ndarray:
    """(2,) the middle of what is drawn, pixels."""
    drawn = renderer.render(view)[..., 3]
    y, x = np.mgrid[0 : view.height, 0 : view.width] + 0.5
    return np.array([(x * drawn).sum(), (y * drawn).sum()]) / drawn.sum()


@pytest.mark.parametrize("disparity", [0.25, 1.0, 2.0])
def test_parallax_is_focal_times_step_times_disparity(context: moderngl.Context, disparity: float) -> None:
    alpha = np.zeros((48, 64), np.float32)
    alpha[20:28, 28:36] = 1
    renderer = HeadlessRenderer(PLANE, ctx=context)
    renderer.set_geometry(whole_layer(disparity))
    renderer.set_picture_rgb_alpha_float(0, np.ones((48, 64, 3), np.float32), alpha)
    np.testing.assert_allclose(spot(renderer, texel_view()), [32, 24], atol=0.01)
    # To the right and up: what is in front goes left and down. OpenCV's y is down, the world's is up.
    drawn = spot(renderer, texel_view(position=(0.1, 0.05, 0.0)))
    np.testing.assert_allclose(drawn, [32 - 32 * 0.1 * disparity, 24 + 32 * 0.05 * disparity], atol=0.02)
    renderer.close()


def test_infinity_does_not_move_with_the_head(context: moderngl.Context) -> None:
    renderer = HeadlessRenderer(PLANE, rung(), ctx=context)
    renderer.set_geometry(whole_layer(0.0))
    renderer.set_frame(0, *yuv(card(), np.ones((48, 64))))
    still = renderer.render(texel_view())
    np.testing.assert_array_equal(renderer.render(texel_view(position=(5.0, -3.0, 2.0))), still)
    renderer.close()


def test_layers_go_over_each_other_far_to_near(context: moderngl.Context) -> None:
    colour = np.zeros((48, 192, 3), np.float32)
    alpha = np.zeros((48, 192), np.float32)
    layers = []
    for i, (c, a) in enumerate((([1, 0, 0], 1.0), ([0, 1, 0], 0.5), ([0, 0, 1], 0.25))):
        colour[:, 64 * i : 64 * i + 64], alpha[:, 64 * i : 64 * i + 64] = c, a
        layers.append(grid_layer(0, 0, 64, 48, step=16, atlas=(64 * i, 0), disparity=0.5 * i))
    renderer = HeadlessRenderer(PLANE, ctx=context)
    renderer.set_geometry(Geometry(tuple(layers)))
    renderer.set_picture_rgb_alpha_float(0, colour, alpha)
    drawn = renderer.render(texel_view())
    # Red, then half green over it, then a quarter blue over both.
    np.testing.assert_allclose(drawn[24, 32], [0.375, 0.375, 0.25, 1.0], atol=STEP / 2)
    renderer.close()


def test_background_shows_where_nothing_is(context: moderngl.Context) -> None:
    renderer = HeadlessRenderer(PLANE, background=(0.25, 0.5, 1.0), ctx=context)
    renderer.set_geometry(whole_layer(1.0))
    half = np.full((48, 64), 0.5, np.float32)
    renderer.set_picture_rgb_alpha_float(0, np.zeros((48, 64, 3), np.float32), half)
    np.testing.assert_allclose(renderer.render(texel_view())[24, 32], [0.125, 0.25, 0.5, 0.5], atol=STEP / 2)
    away = texel_view()
    turned = PinholeView(
        T_WORLD_FORWARD_CAMERA @ pose(rotation_from_angle_axis(np.array([0, np.pi, 0])), np.zeros(3)),
        away.fx,
        away.fy,
        away.cx,
        away.cy,
        away.width,
        away.height,
    )
    np.testing.assert_allclose(renderer.render(turned)[24, 32], [0.25, 0.5, 1.0, 0.0], atol=STEP / 2)
    renderer.close()


def test_alpha_edge_is_filtered_and_straight_colour_does_not_bleed(context: moderngl.Context) -> None:
    """Half a texel beside the edge the coverage is 1/2, and the colour is the covered texel's, not a mix with black."""
    alpha = np.zeros((48, 64))
    alpha[:, :32] = 1
    planes = yuv(np.broadcast_to([0.8, 0.4, 0.2], (48, 64, 3)), alpha)
    renderer = HeadlessRenderer(PLANE, rung(), ctx=context)
    renderer.set_geometry(whole_layer(0.0))
    renderer.set_frame(0, *planes)
    view = texel_view()
    shifted = PinholeView(view.T_world_camera, view.fx, view.fy, view.cx + 0.5, view.cy, view.width, view.height)
    drawn = renderer.render(shifted)[24]
    np.testing.assert_allclose(drawn[31:34, 3], [1.0, 0.5, 0.0], atol=STEP)
    np.testing.assert_allclose(drawn[32, :3] / drawn[32, 3], rgb(*planes)[0, 0], atol=2 * STEP)
    renderer.close()


def test_frames_of_a_chunk_move_with_their_disparities(context: moderngl.Context) -> None:
    geometry = whole_layer(1.0, frames=2)
    geometry.layers[0].disparities[1] = 2.0
    alpha = np.zeros((48, 64), np.float32)
    alpha[20:28, 28:36] = 1
    renderer = HeadlessRenderer(PLANE, ctx=context)
    renderer.set_geometry(geometry)
    for frame, shift in ((0, 3.2), (1, 6.4), (0, 3.2)):
        renderer.set_picture_rgb_alpha_float(frame, np.ones((48, 64, 3), np.float32), alpha)
        drawn = spot(renderer, texel_view(position=(0.1, 0, 0)))
        np.testing.assert_allclose(drawn, [32 - shift, 24], atol=0.02)
    with pytest.raises(FormatError, match="2 frames"):
        renderer.set_picture_rgb_alpha_float(2, np.ones((48, 64, 3), np.float32), alpha)
    renderer.close()


SPHERE = Projection("sphere", 256, 128, left=-0.6 * math.pi, top=0.3 * math.pi, density=256 / (1.2 * math.pi))


def waves() -> tuple[np.ndarray, np.ndarray, Geometry]:
    """A smooth far layer and a nearer disc on a sphere."""
    y, x = np.mgrid[0:224, 0:256].astype(np.float32)
    colour = np.stack([0.5 + 0.4 * np.sin(x / 5), 0.5 + 0.4 * np.sin(y / 4), 0.5 + 0.4 * np.sin((x + y) / 9)], -1)
    alpha = (y < 128).astype(np.float32)
    disc = np.clip(24 - np.hypot(x - 32, y - 192), 0, 1)
    alpha[140:] = disc[140:]
    far = grid_layer(0, 0, 256, 128, step=32, atlas=(0, 0), disparity=0.0)
    near = grid_layer(96, 32, 64, 64, step=32, atlas=(0, 160), disparity=1.0)
    return colour, alpha, Geometry((far, near))


@pytest.mark.parametrize("position", [(0.0, 0.0, 0.0), (0.2, 0.05, -0.1)])
def test_both_ways_to_place_vertices_agree(context: moderngl.Context, position: tuple[float, float, float]) -> None:
    colour, alpha, geometry = waves()
    renderer = HeadlessRenderer(SPHERE, longest_edge=8, ctx=context)
    renderer.set_geometry(geometry)
    renderer.set_picture_rgb_alpha_float(0, colour, alpha)
    head = pose(rotation_from_angle_axis(np.array([0.1, 0.3, 0.05])), np.array(position))
    view = head_view(head, width=160, height=120, fov=math.radians(90))
    assert psnr(renderer.render(view), renderer.render(Projecting(view))) >= 45
    renderer.close()


def test_fisheye_shows_each_direction_where_the_lens_puts_it(context: moderngl.Context) -> None:
    colour, alpha, geometry = waves()
    renderer = HeadlessRenderer(SPHERE, longest_edge=8, ctx=context)
    renderer.set_geometry(Geometry(geometry.layers[:1]))
    renderer.set_picture_rgb_alpha_float(0, colour, alpha)
    lens = Equidistant(160, 160, focal=45.0, reach=1.5)
    drawn = renderer.render(lens)
    y, x = np.mgrid[0:160, 0:160] - 79.5
    angle, side = np.hypot(x, y) / 45.0, np.arctan2(y, x)
    rays = np.stack([np.sin(angle) * np.cos(side), -np.sin(angle) * np.sin(side), -np.cos(angle)], -1)
    texels, _ = SPHERE.locate(rays)
    seen = (angle < 1.3) & (np.abs(texels - (128, 64)) < (126, 62)).all(-1)
    tx, ty = texels[seen].T - 0.5
    expected = np.stack([0.5 + 0.4 * np.sin(tx / 5), 0.5 + 0.4 * np.sin(ty / 4), 0.5 + 0.4 * np.sin((tx + ty) / 9)], -1)
    assert psnr(drawn[seen], expected) >= 38
    renderer.close()


def test_supersampling_averages_and_keeps_the_size(context: moderngl.Context) -> None:
    y, x = np.mgrid[0:48, 0:64]
    colour = np.repeat(((x + y) % 2)[..., None], 3, axis=-1).astype(np.float32)
    view = texel_view()
    small = PinholeView(view.T_world_camera, view.fx / 2, view.fy / 2, view.cx / 2, view.cy / 2, 32, 24)
    deviations = []
    for samples in (1, 2):
        renderer = HeadlessRenderer(PLANE, samples=samples, ctx=context)
        renderer.set_geometry(whole_layer(0.0))
        renderer.set_picture_rgb_alpha_float(0, colour, np.ones((48, 64), np.float32))
        drawn = renderer.render(
            PinholeView(small.T_world_camera, small.fx, small.fy, small.cx + 0.25, small.cy, 32, 24)
        )
        assert drawn.shape == (24, 32, 4)
        deviations.append(float(np.abs(drawn[2:-2, 2:-2, :3] - 0.5).max()))
        renderer.close()
    assert deviations[1] < 0.01


def test_wrong_pictures_are_refused(context: moderngl.Context) -> None:
    renderer = HeadlessRenderer(PLANE, rung(), ctx=context)
    with pytest.raises(FormatError, match="no geometry"):
        renderer.render(texel_view())
    renderer.set_geometry(whole_layer(0.0))
    with pytest.raises(FormatError, match="no picture"):
        renderer.render(texel_view())
    y, u, v = yuv(card(), np.ones((48, 64)))
    with pytest.raises(FormatError, match="64x94"):
        renderer.set_frame(0, y[:-2], u, v)
    renderer.set_frame(0, y, u, v)
    with pytest.raises(DisplayError, match="ask for less"):
        renderer.render_pinhole(np.eye(4), fx=1, fy=1, cx=1, cy=1, width=1 << 20, height=1)
    renderer.close()


def test_eyes_are_apart_along_the_heads_right() -> None:
    head = pose(rotation_from_angle_axis(np.array([0.0, np.pi / 2, 0.0])), np.array([1.0, 2.0, 3.0]))
    left, right = eye_heads(head, ipd=0.06)
    np.testing.assert_allclose(left[:3, 3], [1, 2, 3.03], atol=1e-12)
    np.testing.assert_allclose(right[:3, 3], [1, 2, 2.97], atol=1e-12)


def test_pinhole_models_are_drawn_as_pinhole_views(context: moderngl.Context) -> None:
    view = texel_view(position=(0.1, 0.0, 0.0))
    model = model_from_dict(
        {"kind": "pinhole", "width": 64, "height": 48, "params": [view.fx, view.fy, view.cx, view.cy]}
    )
    renderer = HeadlessRenderer(PLANE, rung(), ctx=context)
    renderer.set_geometry(whole_layer(1.0))
    renderer.set_frame(0, *yuv(card(), np.ones((48, 64))))
    np.testing.assert_array_equal(renderer.render(ModelView(model, view.T_world_camera)), renderer.render(view))
    renderer.close()


def test_planes_are_exact_however_coarse_their_triangles_are(context: moderngl.Context) -> None:
    layer = grid_layer(0, 0, 64, 48, step=16, atlas=(0, 0), disparity=1.0)
    layer.disparities[0] = 0.2 + 0.01 * layer.points[:, 0] + 0.005 * layer.points[:, 1]
    drawn = []
    for longest in (None, 4.0):
        renderer = HeadlessRenderer(PLANE, rung(), longest_edge=longest, ctx=context)
        renderer.set_geometry(Geometry((layer,)))
        renderer.set_frame(0, *yuv(card(), np.ones((48, 64))))
        drawn.append(renderer.render(texel_view(position=(0.3, 0.1, -0.2))))
        renderer.close()
    assert psnr(*drawn) >= 45


def python(repository: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs Python in the checkout; without `environment`, in this one."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=repository,
        env=environment or None,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_osmesa_draws_the_same(repository: Path) -> None:
    ran = python(repository, "-m", "tests.player.osmesa_card")
    if "OSMesa is not installed" in ran.stderr:
        pytest.skip("OSMesa is not on this machine")
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) <= 3 * STEP


def test_no_opengl_is_one_line_that_names_the_packages(repository: Path) -> None:
    script = (
        "import player.headless as h\n"
        "h._BACKENDS = tuple(b for b in h._BACKENDS if b[0] != 'OSMesa')\n"
        "try: h.offscreen_context()\n"
        "except h.DisplayError as error: print(error)"
    )
    ran = python(repository, "-c", script, __EGL_VENDOR_LIBRARY_FILENAMES=os.devnull, PATH=os.environ["PATH"])
    assert ran.stdout.count("\n") == 1 and "apt-get install libegl1" in ran.stdout, ran.stderr
