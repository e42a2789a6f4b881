"""Triangles are clipped to the view exactly: the kernel against numpy, against laws, and against counted fragments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.cost import reference
from encoder.cost.coverage import coverage
from encoder.cost.eyes import HALF_FIELD, Eyes, eyes_of
from player.composite.compositor import Compositor
from player.composite.mesh import draw_mesh
from player.composite.refine import refine
from player.composite.target import Target
from player.composite.view import PinholeView
from player.headless import offscreen_context
from protocol.geometry import inverse, pose
from protocol.mesh_codec import Geometry
from protocol.projection import Projection
from tests.encoder.cost.meshes import BOX, DOME, PLANE, bumpy_layer

FORWARD = Eyes(np.diag([1.0, -1.0, -1.0])[None], np.zeros((1, 3)))
SOUP = st.integers(0, 2**32 - 1)


def soup(seed: int, count: int = 20):
    """Triangles all around the eye, of all sizes, some of their corners at infinity."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(3 * count, 3)).astype(np.float32)
    disparities = np.where(rng.random(3 * count) < 0.3, 0, rng.uniform(0, 3, 3 * count)).astype(np.float32)
    triangles = np.arange(3 * count, dtype=np.uint32).reshape(-1, 3)
    return directions, disparities, triangles


def somewhere(seed: int) -> Eyes:
    rng = np.random.default_rng(seed)
    rotations = np.stack([np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(3)])
    return Eyes(rotations * np.linalg.det(rotations)[:, None, None], rng.normal(size=(3, 3)))


@given(SOUP)
def test_kernel_and_reference_agree(seed: int) -> None:
    eyes = somewhere(seed)
    mesh = soup(seed)
    assert coverage(*mesh, eyes) == pytest.approx(reference.coverage(*mesh, eyes), abs=1e-9)


def test_a_screen_is_a_screen() -> None:
    """A square of 80 degrees fills (tan 40 / tan 50) squared of the view, one that is larger than it all of it."""
    side = np.array([(-1, -1, -1), (1, -1, -1), (-1, 1, -1), (1, 1, -1)], np.float32)
    quad = np.array([(0, 1, 3), (0, 3, 2)], np.uint32)
    for half, share in ((40, (np.tan(np.radians(40)) / np.tan(np.radians(50))) ** 2), (60, 1.0)):
        slope = np.float32(np.tan(np.radians(half)))
        scaled = side * np.array([slope, slope, 1], np.float32)
        assert coverage(scaled, np.ones(4, np.float32), quad, FORWARD) == pytest.approx(share, rel=1e-6)
    # From half way to it, its tangent is twice as large.
    closer = Eyes(FORWARD.R_eye_show, np.array([[0.0, 0.0, -0.5]]))
    slope = np.tan(np.radians(20))
    square = side * np.array([slope, slope, 1], np.float32)
    expected = (2 * slope / np.tan(np.radians(50))) ** 2
    assert coverage(square.astype(np.float32), np.ones(4, np.float32), quad, closer) == pytest.approx(expected)


def test_what_is_behind_the_eye_is_not_seen() -> None:
    behind = np.array([(-1, -1, 1), (1, -1, 1), (0, 1, 1)], np.float32)
    assert coverage(behind, np.ones(3, np.float32), np.array([[0, 1, 2]], np.uint32), FORWARD) == 0


@given(SOUP)
def test_order_and_winding_do_not_matter(seed: int) -> None:
    directions, disparities, triangles = soup(seed)
    eyes, rng = somewhere(seed), np.random.default_rng(seed)
    other = rng.permuted(rng.permutation(triangles), axis=1)
    expected = coverage(directions, disparities, triangles, eyes)
    assert coverage(directions, disparities, other, eyes) == pytest.approx(expected, abs=1e-9)


@given(SOUP)
def test_splitting_triangles_changes_nothing(seed: int) -> None:
    """Vertices are homogeneous: the mean of two is a point of their edge."""
    directions, disparities, triangles = soup(seed)
    eyes = somewhere(seed)
    a, b, c = triangles.T
    middle = np.arange(len(triangles), dtype=np.uint32) + np.uint32(len(directions))
    # In float64, so that the middles lie on the edges.
    wide, deep = directions.astype(np.float64), disparities.astype(np.float64)
    more = np.concatenate([wide, 0.5 * (wide[a] + wide[b])]), np.concatenate([deep, 0.5 * (deep[a] + deep[b])])
    halves = np.concatenate([np.stack([a, middle, c], -1), np.stack([middle, b, c], -1)])
    expected = coverage(wide, deep, triangles, eyes)
    assert coverage(*more, halves, eyes) == pytest.approx(expected, abs=1e-9)


@given(SOUP, st.sampled_from([PLANE, DOME]))
def test_one_sheet_covers_at_most_the_screen(seed: int, projection: Projection) -> None:
    """From the origin a sheet does not lie over itself, however bumpy it is."""
    mesh = draw_mesh(Geometry((bumpy_layer(projection, bump=0.9, seed=seed),)), projection)
    turned = Eyes(somewhere(seed).R_eye_show, np.zeros((3, 3)))
    areas = coverage(mesh.directions, mesh.disparities[0][0], mesh.triangles, turned)
    assert (areas <= 1 + 1e-6).all()
    assert coverage(mesh.directions, mesh.disparities[0][0], mesh.triangles, FORWARD) == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("projection", [PLANE, DOME])
def test_as_many_fragments_are_drawn(projection: Projection) -> None:
    """The players' own renderer draws the mesh, and the card counts."""
    geometry = Geometry((bumpy_layer(projection, bump=0.6), bumpy_layer(projection, step=16, seed=1)))
    mesh = draw_mesh(geometry, projection)
    if projection.kind == "sphere":
        mesh = refine(mesh, projection, longest=4.0)
    eyes = eyes_of(projection, **BOX)
    disparities = np.concatenate([d[0] for d in mesh.disparities])
    for pairs in mesh.middles:
        disparities = np.concatenate([disparities, 0.5 * disparities[pairs].sum(axis=1)])
    areas = coverage(mesh.directions, disparities[mesh.points], mesh.triangles, eyes)
    counted = fragments(mesh, eyes, size=256)
    assert counted.max() > 1.8
    assert areas == pytest.approx(counted, rel=0.01, abs=0.003)


def fragments(mesh, eyes: Eyes, *, size: int) -> np.ndarray:
    """(N,) screens that the compositor draws for each eye, as an occlusion query counts them."""
    with offscreen_context() as ctx:
        compositor, target = Compositor(ctx), Target(ctx, size, size)
        compositor.set_mesh(mesh)
        compositor.set_rgba(np.ones((8, 8, 3), np.float32), np.ones((8, 8), np.float32))
        focal = 0.5 * size / np.tan(HALF_FIELD)
        counts = []
        for R, t in zip(eyes.R_eye_show, eyes.t_eye_show, strict=True):
            view = PinholeView(inverse(pose(R, t)), focal, focal, 0.5 * size, 0.5 * size, size, size)
            query = ctx.query(samples=True)
            with query:
                compositor.draw_pinhole(target, view)
            counts.append(query.samples)
        compositor.release()
        target.release()
    return np.array(counts) / size**2
