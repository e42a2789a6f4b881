"""Where the browser's player lies: two files that `make web` builds and a wheel carries."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from protocol.serve.script import Script, script_of

SCRIPT = "lfv-player.js"  # defines the element <lfv-player>
PAGE = "index.html"  # a page for plain web servers, beside the script
NOT_BUILT = "the player for browsers is not built here; run 'make web' in a clone of lfv, or install a wheel of it"


def player_folder() -> Path | None:
    """The folder of both files, or None where they are not built.

    They are data of the package `player`. It is looked up by name and not imported: a server runs none of its code,
    and does without it where it is missing.
    """
    found = find_spec("player")
    for place in (found.submodule_search_locations or ()) if found is not None else ():
        folder = Path(place) / "web" / "dist"
        if (folder / SCRIPT).is_file() and (folder / PAGE).is_file():
            return folder
    return None


def read_script() -> Script | None:
    """The script, or None where it is not built. Raises OSError."""
    folder = player_folder()
    return None if folder is None else script_of((folder / SCRIPT).read_bytes())
