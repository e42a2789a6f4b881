"""PSNR and SSIM against their definitions."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from encoder.metrics import MOST_PSNR, psnr, psnr_of, ssim


def noisy_pair(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random((40, 50, 3))
    return truth, (truth + rng.normal(scale=0.1, size=truth.shape)).clip(0, 1)


def test_psnr_by_hand() -> None:
    truth = np.zeros((2, 2, 3))
    render = np.full((2, 2, 3), 0.1)
    assert psnr(truth, render) == pytest.approx(20.0)
    assert psnr(truth, render * 0.1) == pytest.approx(40.0)
    assert psnr_of(0.25) == pytest.approx(10 * math.log10(4))


def test_psnr_of_the_same_is_capped() -> None:
    picture, _ = noisy_pair()
    assert psnr(picture, picture) == MOST_PSNR
    assert psnr_of(1e-30) == MOST_PSNR


def test_psnr_counts_the_mask_only() -> None:
    truth, render = np.zeros((4, 4, 3)), np.zeros((4, 4, 3))
    render[0, 0] = 0.1
    render[3, 3] = 0.9
    mask = np.zeros((4, 4), bool)
    mask[0, 0] = mask[0, 1] = True
    assert psnr(truth, render, mask) == pytest.approx(10 * math.log10(2 / 0.01))


def test_bytes_are_not_wrapped() -> None:
    a, b = np.full((4, 4, 3), 0.2, np.float32), np.full((4, 4, 3), 0.3, np.float32)
    assert psnr(a, b) == pytest.approx(psnr(b, a)) == pytest.approx(20.0, abs=1e-4)


def test_ssim_of_the_same_is_1_and_falls_with_noise() -> None:
    truth, render = noisy_pair()
    worse = (truth + 3 * (render - truth)).clip(0, 1)
    assert ssim(truth, truth) == pytest.approx(1.0)
    assert ssim(truth, worse) < ssim(truth, render) < 1.0
    assert ssim(truth, render) == pytest.approx(ssim(render, truth))


def test_ssim_is_wangs() -> None:
    """Wang et al. 2004, equation 13, with OpenCV's Gaussian; windows that leave the picture do not count."""
    truth, render = noisy_pair(1)

    def blur(image: np.ndarray) -> np.ndarray:
        return np.asarray(cv2.GaussianBlur(image, (11, 11), 1.5))[5:-5, 5:-5]

    mean_a, mean_b = blur(truth), blur(render)
    var_a, var_b = blur(truth**2) - mean_a**2, blur(render**2) - mean_b**2
    cov = blur(truth * render) - mean_a * mean_b
    index = (2 * mean_a * mean_b + 1e-4) * (2 * cov + 9e-4)
    index /= (mean_a**2 + mean_b**2 + 1e-4) * (var_a + var_b + 9e-4)
    assert ssim(truth, render) == pytest.approx(index.mean(), abs=1e-9)
    mask = np.zeros((40, 50), bool)
    mask[10:20, 15:30] = True
    assert ssim(truth, render, mask) == pytest.approx(index[5:15, 10:25].mean(), abs=1e-9)


def test_ssim_of_flat_pictures_by_hand() -> None:
    """Without structure only the means are compared: (2ab + c) / (a^2 + b^2 + c)."""
    a, b = np.full((20, 20, 3), 0.4), np.full((20, 20, 3), 0.6)
    assert ssim(a, b) == pytest.approx((2 * 0.24 + 1e-4) / (0.16 + 0.36 + 1e-4), abs=1e-9)
