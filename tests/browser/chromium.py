"""Debian's Chromium, driven by Playwright, drawing in software."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

from encoder.bench.browser import ARGUMENTS


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """A browser, until the block ends; `more`: arguments of its command. Skips the test where there is none.

    Playwright's loop belongs to the calling thread until then: asyncio.run does not work there meanwhile.
    """
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed; as root on Debian, 'make test' installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS, *more])
        try:
            yield browser
        finally:
            browser.close()
