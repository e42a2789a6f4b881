"""What all tests share: software OpenGL, reproducible property tests, the shared footage."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Before anything opens a GL context: pictures are compared on the software renderer, and no window ever appears.
os.environ.setdefault("LIBGL_ALWAYS_SOFTWARE", "1")
os.environ.setdefault("GALLIUM_DRIVER", "llvmpipe")
os.environ.setdefault("PYVISTA_OFF_SCREEN", "true")

# The first call of a numba kernel compiles it, so a deadline per example would only measure the compiler.
settings.register_profile("lfv", deadline=None, derandomize=True, print_blob=True, max_examples=50)
settings.load_profile("lfv")

REPOSITORY = Path(__file__).resolve().parent.parent


# Chromium and the clocks of benchmarks want a core each: what needs them runs one after another.
_ONE_AT_A_TIME = {"browser", "benchmarks"}


def _part(item: pytest.Item) -> str:
    return item.path.relative_to(REPOSITORY / "tests").parts[0]


def _turn(item: pytest.Item) -> int:
    slow = item.get_closest_marker("slow")
    if slow is not None:
        return 3
    return 2 if _part(item) == "encoder" else 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Fast tests first; the order is otherwise kept.

    Where two processes share the tests, each takes whole files. One compiles the kernels then, while the other is at
    what needs none.
    """
    items.sort(key=_turn)
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("compiles") is None)
        for item in items:
            pace = "slow" if item.get_closest_marker("slow") is not None else "fast"
            group = "one at a time" if _part(item) in _ONE_AT_A_TIME else f"{pace} {item.path}"
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real footage beside the checkout; tests that need it are skipped where it is not."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the shared footage (../shared/data) is not on this machine")
    return folder
