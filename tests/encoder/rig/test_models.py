"""Camera models: known points, agreement with OpenCV, laws that hold for all of them, numpy and torch alike."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from encoder.rig.models import CameraModel, DoubleSphere, KannalaBrandt, Ocam, Pinhole, Radtan, model_from_dict
from protocol.errors import RigError
from protocol.geometry import rotation_from_angle_axis

_PADDING = (0.0,) * 3
MODELS = [
    Pinhole(640, 480, (500.0, 510.0, 320.0, 240.0)),
    # caliscope_desk's first camera: barrel distortion.
    Radtan(1280, 720, (903.55, 907.88, 618.81, 394.71, -0.3321, 0.0464, -0.0043, 0.0041, 0.0666, *_PADDING)),
    Radtan(1280, 720, (640.0, 640.0, 650.0, 350.0, 0.3, -0.05, 0.001, -0.002, 0.01, 0.2, -0.03, 0.002)),
    KannalaBrandt(2560, 1920, (1111.4, 1111.4, 1284.7, 925.5, 0.097, -0.0171, 0.0, 0.0)),
    KannalaBrandt(800, 800, (200.0, 202.0, 401.0, 397.0, -0.02, 0.003, -0.0007, 0.00005)),
    DoubleSphere(1216, 1216, (225.0, 222.6, 611.3, 613.2, -0.28, 0.57)),
    DoubleSphere(1216, 1216, (451.0, 446.6, 616.0, 618.9, 0.463, 0.766)),
    # omnimvs_itbt's second camera.
    Ocam(
        *(1600, 1532),
        (
            818.345,
            793.6,
            1.00028,
            -0.032979,
            0.0327437,
            1.0,
            1.9199,
            *(611.562, 383.54, -22.3448, -47.6112, -41.6246, 10.0601),
            *(-37.4865, -278.722, -487.074, -433.682, -222.271, -63.4335, -7.90549),
        ),
    ),
]
model_kinds = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.kind)


def test_broxtons_golden_point() -> None:
    rotation = rotation_from_angle_axis(np.array([-0.03295944563072383, 0.02964606619481096, -0.03337751007195316]))
    centre = np.array([0.003311238794086777, 0.000126384684934784, 0.42421246053630285])
    focal = 1111.3638715594666
    lens = (1284.7296468363463, 925.4651609728676, 0.0970525284520715, -0.01708587111009977, 0.0, 0.0)
    model = KannalaBrandt(2560, 1920, (focal, focal, *lens))
    pixel, valid = model.project(rotation @ (np.array([0.5, 0.5, 10.0]) - centre))
    assert valid
    np.testing.assert_allclose(pixel, [1377.85525, 1017.61440], atol=1e-3)


@pytest.mark.parametrize("model", [model for model in MODELS if isinstance(model, KannalaBrandt)])
def test_fisheye_agrees_with_opencv(model: KannalaBrandt, rng: np.random.Generator) -> None:
    points = rng.normal(size=(500, 3)) * [1.0, 1.0, 0.3] + [0.0, 0.0, 1.0]
    points = points[points[:, 2] > 0.05]
    fx, fy, cx, cy, *k = model.params
    expected, _ = cv2.fisheye.projectPoints(
        points[:, None], np.zeros(3), np.zeros(3), np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]]), np.array(k)
    )
    pixels, valid = model.project(points)
    np.testing.assert_allclose(pixels[valid], expected[:, 0][valid], atol=1e-6)
    assert valid.mean() > 0.9


@pytest.mark.parametrize("model", [model for model in MODELS if isinstance(model, Radtan)])
def test_radial_tangential_agrees_with_opencv(model: Radtan, rng: np.random.Generator) -> None:
    fx, fy, cx, cy, *k = model.params
    K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    points = np.concatenate([rng.uniform(-0.6, 0.6, (500, 2)), np.ones((500, 1))], axis=1) * rng.uniform(1, 9, (500, 1))
    expected, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), K, np.array(k))
    pixels, valid = model.project(points)
    np.testing.assert_allclose(pixels[valid], expected[:, 0][valid], atol=1e-6)
    assert valid.all()


@model_kinds
@given(data=st.data())
def test_a_seen_pixel_comes_back(model: CameraModel, data: st.DataObject) -> None:
    pixel = np.array([data.draw(st.floats(0, model.width)), data.draw(st.floats(0, model.height))])
    ray, seen = model.unproject(pixel)
    if seen:
        assert np.linalg.norm(ray) == pytest.approx(1.0, abs=1e-12)
        again, valid = model.project(7.5 * ray)
        assert valid
        np.testing.assert_allclose(again, pixel, atol=1e-6)


@model_kinds
@given(
    st.tuples(*[st.floats(-5, 5)] * 3).filter(lambda point: math.hypot(*point) > 0.1 and math.hypot(*point[:2]) > 1e-3)
)
def test_a_seen_point_lies_on_its_ray(model: CameraModel, point: tuple[float, float, float]) -> None:
    pixel, valid = model.project(np.array(point))
    if valid and model.inside(pixel):
        ray, seen = model.unproject(pixel)
        assert seen
        np.testing.assert_allclose(ray, np.array(point) / math.hypot(*point), atol=2e-7)


@model_kinds
def test_torch_and_numpy_agree(model: CameraModel, rng: np.random.Generator) -> None:
    pixels = rng.random((40, 25, 2)) * [model.width, model.height]
    rays, seen = model.unproject(pixels)
    torch_rays, torch_seen = model.unproject(torch.from_numpy(pixels))
    np.testing.assert_array_equal(torch_seen.numpy(), seen)
    np.testing.assert_allclose(torch_rays.numpy()[seen], rays[seen], atol=1e-12)
    points = rng.normal(size=(40, 25, 3))
    found, valid = model.project(points)
    torch_found, torch_valid = model.project(torch.from_numpy(points))
    np.testing.assert_array_equal(torch_valid.numpy(), valid)
    np.testing.assert_allclose(torch_found.numpy()[valid], found[valid], rtol=1e-9, atol=1e-9)
    assert torch_found.dtype == torch.float64
    assert model.project(torch.ones(2, 3))[0].dtype == torch.float32


@model_kinds
def test_torch_gradients_are_those_of_the_projection(model: CameraModel) -> None:
    points = torch.tensor([[0.2, -0.1, 1.0], [-0.3, 0.25, 0.9]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: model.project(p)[0], (points,), eps=1e-6, atol=1e-3, rtol=1e-4)


@model_kinds
def test_a_resized_image_has_the_scaled_pixels(model: CameraModel, rng: np.random.Generator) -> None:
    points = rng.normal((0.0, 0.0, 2.0), size=(200, 3))
    pixels, valid = model.project(points)
    half, _ = model.scaled(0.5, (model.width + 1) // 2, (model.height + 1) // 2).project(points)
    np.testing.assert_allclose(half[valid], 0.5 * pixels[valid], atol=1e-6)
    other = model.resized(2 * model.width, model.height)
    stretched, _ = other.project(points)
    np.testing.assert_allclose(stretched[valid], pixels[valid] * [2.0, 1.0], atol=1e-6)
    assert other.width == 2 * model.width


@model_kinds
def test_the_axis_and_what_is_behind(model: CameraModel) -> None:
    pixel, valid = model.project(np.array([0.0, 0.0, 3.0]))
    assert valid and np.isfinite(pixel).all()
    np.testing.assert_allclose(model.unproject(pixel)[0], [0.0, 0.0, 1.0], atol=1e-9)
    assert not model.project(np.array([0.0, 0.0, -3.0]))[1]


@pytest.mark.parametrize("model", [model for model in MODELS if isinstance(model, Radtan)])
def test_far_off_points_do_not_fold_back_into_the_image(model: Radtan) -> None:
    angles = np.linspace(0, math.radians(89.9), 2000)
    for turn in np.linspace(0, 2 * math.pi, 16):
        points = np.stack([np.sin(angles) * math.cos(turn), np.sin(angles) * math.sin(turn), np.cos(angles)], axis=-1)
        pixels, valid = model.project(points)
        radius = np.linalg.norm(pixels - [model.params[2], model.params[3]], axis=-1)[valid]
        assert (np.diff(radius) > 0).all()


def test_a_strong_barrel_has_a_limit() -> None:
    model = Radtan(640, 480, (400.0, 400.0, 320.0, 240.0, -0.4, *(0.0,) * 7))
    assert model.largest_radius == pytest.approx(1 / math.sqrt(1.2), rel=5e-3)
    assert not model.project(np.array([1.5, 0.0, 1.0]))[1]


def test_fisheyes_see_behind_themselves() -> None:
    for model in MODELS[4:]:
        ray = np.array([math.sin(1.85), 0.0, math.cos(1.85)])
        pixel, valid = model.project(ray)
        assert valid
        np.testing.assert_allclose(model.unproject(pixel)[0], ray, atol=1e-9)


@model_kinds
def test_stored_models_come_back(model: CameraModel) -> None:
    assert model_from_dict(model.to_dict()) == model


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "lensless"}, "unknown kind"),
        ({"width": 0}, "width 0"),
        ({"width": "640"}, "'width'"),
        ({"params": [500.0, 510.0, 320.0]}, "3 parameters"),
        ({"params": [500.0, float("nan"), 320.0, 240.0]}, "fy is nan"),
        ({"params": [-500.0, 510.0, 320.0, 240.0]}, "fx = -500"),
        ({"params": [500.0, None, 320.0, 240.0]}, "list of at most 64 numbers"),
    ],
)
def test_damaged_models_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(RigError, match=words):
        model_from_dict({**MODELS[0].to_dict(), **change})


def test_impossible_lenses_are_refused() -> None:
    with pytest.raises(RigError, match="alpha"):
        DoubleSphere(10, 10, (1.0, 1.0, 5.0, 5.0, 0.1, 1.5))
    with pytest.raises(RigError, match="does not rise from 0"):
        Ocam(10, 10, (5.0, 5.0, 1.0, 0.0, 0.0, 1.0, 1.9, 10.0, -3.0))
