"""What the player's tests share: one offscreen OpenGL context, one small show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import moderngl
import pytest

from player.headless import offscreen_context
from tests.player.shows import write_show


@pytest.fixture
def context() -> Iterator[moderngl.Context]:
    """An OpenGL context without a window. One for each test: VTK, when it opens a window, ends those there are."""
    ctx = offscreen_context()
    yield ctx
    ctx.release()


@pytest.fixture(scope="session")
def show_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny show of tests.player.shows; not to be changed."""
    return write_show(tmp_path_factory.mktemp("show") / "tiny.lfv")
