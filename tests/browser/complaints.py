"""What a page says is wrong while a test looks at it."""

from __future__ import annotations

import re

from playwright.sync_api import ConsoleMessage, Error, Page

# In the page and its frames; what a worker may not do is on the console.
_REPORT_REFUSALS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`refused by policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
});
"""


class Complaints:
    """Errors and warnings on the console, exceptions that nobody caught, refusals by the page's policy."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._allowed: list[str] = []

    def listen(self, page: Page) -> None:
        """Collect what is wrong with a page from now on."""
        page.add_init_script(_REPORT_REFUSALS)
        page.on("console", self._said)
        page.on("pageerror", self._raised)

    def allow(self, pattern: str) -> None:
        """A complaint in which this is found is as it should be in this test."""
        self._allowed.append(pattern)

    @property
    def unexpected(self) -> list[str]:
        """Everything else."""
        return [said for said in self.found if not any(re.search(pattern, said) for pattern in self._allowed)]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.found.append(f"{message.type}: {message.text} ({message.location['url']})")

    def _raised(self, error: Error) -> None:
        self.found.append(f"exception: {error.message}\n{error.stack}")
