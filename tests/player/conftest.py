"""What the player's tests share: one offscreen OpenGL context."""

from __future__ import annotations

from collections.abc import Iterator

import moderngl
import pytest

from player.headless import offscreen_context


@pytest.fixture(scope="session")
def context() -> Iterator[moderngl.Context]:
    """An OpenGL context without a window, for every test of the session."""
    ctx = offscreen_context()
    yield ctx
    ctx.release()
