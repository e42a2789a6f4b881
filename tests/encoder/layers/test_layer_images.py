"""Layers on disk: empty at first, nameless, and a full disk is an error and no crash."""

from __future__ import annotations

import errno
import resource
from pathlib import Path

import numpy as np
import pytest

from encoder.layers.layer_images import make_layer_images
from protocol.errors import StorageError


def test_layers_start_empty_and_leave_no_file(tmp_path: Path) -> None:
    layers = make_layer_images(2, 3, 5, 7, folder=tmp_path)
    assert layers.rgba.shape == (2, 3, 5, 7, 4) and layers.rgba.dtype == np.uint8
    assert layers.disparity.shape == (2, 3, 5, 7) and layers.disparity.dtype == np.float32
    assert not layers.rgba.any() and not layers.disparity.any()
    layers.rgba[1, 2] = 9
    layers.disparity[0, 0] = 0.5
    assert (layers.rgba[1, 2] == 9).all() and not layers.rgba[0].any() and (layers.disparity[0, 0] == 0.5).all()
    assert list(tmp_path.iterdir()) == []


def test_no_room_is_said_before_anything_is_written(tmp_path: Path) -> None:
    # A limit on the size of files stands for a full disk.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        with pytest.raises(StorageError, match="no room for the layers") as raised:
            make_layer_images(6, 16, 256, 256, folder=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    cause = raised.value.__cause__
    assert isinstance(cause, OSError) and cause.errno == errno.EFBIG
    assert list(tmp_path.iterdir()) == []
