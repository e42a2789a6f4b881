"""`lfv export page`: what a plain web server needs so that browsers play its shows."""

from __future__ import annotations

import argparse
from pathlib import Path

from protocol.errors import UsageError
from protocol.serve.player_files import NOT_BUILT, PAGE, SCRIPT, player_folder
from protocol.storage import reporting

HELP = "Write the page that plays shows in a browser, for a web server or a CDN that is not `lfv serve`."
EXAMPLES = """
  lfv export page /srv/shows/    index.html and lfv-player.js; beside them, index.html?src=show.lfv plays show.lfv
"""

_MARK = b'<meta name="generator" content="lfv" />'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("what", choices=["page"], help="page: the browser's player and a page around it")
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder to write to; older ones of lfv are replaced")


def run(args: argparse.Namespace) -> int:
    """Write both files. Raises LfvError."""
    built = player_folder()
    if built is None:
        raise UsageError(NOT_BUILT)
    page = args.out / PAGE
    with reporting(args.out, "write to"):
        args.out.mkdir(parents=True, exist_ok=True)
        if page.exists() and _MARK not in page.read_bytes():
            raise UsageError(f"{page} is a page of your own; name another folder")
        for name in (PAGE, SCRIPT):
            (args.out / name).write_bytes((built / name).read_bytes())
    print(f"wrote {PAGE} and {SCRIPT} to {args.out}; {PAGE}?src=NAME.lfv plays the show NAME.lfv there")
    return 0
