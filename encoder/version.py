"""Which lfv this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def lfv_version() -> str:
    """As the installed package says it."""
    try:
        return version("lfv")
    except PackageNotFoundError:
        return "(run from its sources)"
