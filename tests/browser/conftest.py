"""What the tests of browsers share: one Chromium a file, a fresh page a test, a show."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from encoder.cli import main
from protocol.serve.player_files import NOT_BUILT, read_script
from protocol.serve.script import Script
from samples.make_rig import RigConfig, make_rig
from tests.browser.chromium import chromium as running_chromium
from tests.browser.complaints import Complaints
from tests.player.shows import write_show


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever starts a browser comes after everything that is fast."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


# One for each file and not for all: while it runs, tests in this thread cannot use asyncio.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def complaints() -> Complaints:
    """What the test's page says is wrong; a test allows what it expects."""
    return Complaints()


@pytest.fixture
def page(chromium: Browser, complaints: Complaints) -> Iterator[Page]:
    """A page of a fresh profile. At the end it must have had nothing to complain about."""
    context = chromium.new_context(viewport={"width": 640, "height": 480})
    page = context.new_page()
    complaints.listen(page)
    yield page
    context.close()
    assert complaints.unexpected == []


@pytest.fixture(scope="session")
def script() -> Script:
    """The player as it was built; skips the test where it was not."""
    found = read_script()
    if found is None:
        pytest.skip(NOT_BUILT)
    return found


@pytest.fixture(scope="session")
def show_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny show of tests.player.shows; not to be changed."""
    return write_show(tmp_path_factory.mktemp("show") / "tiny.lfv")


@pytest.fixture(scope="session")
def dome_show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic dome as a show of three chunks with sound: spheres, five frames at 20 fps."""
    folder = tmp_path_factory.mktemp("dome")
    config = RigConfig(cameras=8, frames=5, width=96, height=72, frame_rate=Fraction(20), sound=True, views=0)
    make_rig(folder / "rig", config)
    options = "--near 0.8 --far 12 --shells 12 --layers 6 --density 30 --solver sweep --gop 0.1 --quiet".split()
    sound = ["--sound", str(folder / "rig" / "sound.wav")]
    assert main(["encode", str(folder / "rig"), "--out", str(folder / "dome.lfv"), *options, *sound]) == 0
    return folder / "dome.lfv"
