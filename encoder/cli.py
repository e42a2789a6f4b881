"""`lfv COMMAND ...`: finds the command, loads only its module, turns every failure into one line and an exit code."""

from __future__ import annotations

import argparse
import errno
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import NoReturn

from encoder.interrupt import interrupts_kept
from encoder.version import lfv_version
from protocol.errors import DisplayError, LfvError, MissingExtraError, StorageError, UsageError

INTERRUPTED = 130
BROKEN_PIPE = 141


@dataclass(frozen=True)
class Command:
    """One subcommand. The help stands here so that `lfv --help` loads no command and none of its packages.

    Attributes:
        module: has HELP, EXAMPLES, `add_arguments(parser)` and `run(args) -> int`.
        extra: what to install where one of its packages is missing.
    """

    module: str
    extra: str
    help: str


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other error is said, and not after a page of options."""

    def error(self, message: str) -> NoReturn:
        self.exit(UsageError.exit_code, f"{self.prog}: error: {message}; see {self.prog} --help\n")


COMMANDS = {
    "encode": Command("encoder.commands.encode", "encoder", "a rig's footage becomes a show"),
    "serve": Command("protocol.serve.cli", "server", "deliver shows over HTTP, WebSocket and ZeroMQ"),
    "play": Command("player.cli", "player", "watch a show in a window, or render it along a head path"),
    "inspect": Command("encoder.commands.inspect", "encoder", "what a rig or a show holds"),
    "verify": Command("encoder.commands.verify", "player", "check every chunk and checksum of a show"),
    "evaluate": Command("encoder.commands.evaluate", "encoder", "how good a show is against real views"),
    "train": Command("encoder.commands.train", "encoder", "weights for the solver that learns"),
    "export": Command("encoder.commands.export", "server", "the page that plays shows from a plain web server"),
    "bench": Command("encoder.commands.bench", "all", "measure this machine and this version"),
}

# Import names of the extras' packages; any other failed import is a fault of ours and keeps its traceback.
_EXTRA_PACKAGES = frozenset(
    {
        "av",
        "glcontext",
        "h11",
        "moderngl",
        "numba",
        "open3d",
        "pyvista",
        "rich",
        "torch",
        "vtk",
        "vtkmodules",
        "websockets",
        "yaml",
        "zmq",
    }
)


def main(argv: Sequence[str] | None = None) -> int:
    """The `lfv` command; returns the exit code."""
    return _guarded(sys.argv[1:] if argv is None else list(argv))


def main_encode(argv: Sequence[str] | None = None) -> int:
    """The `encode` command, which is `lfv encode`."""
    return _guarded(["encode", *(sys.argv[1:] if argv is None else argv)], program="encode")


def _guarded(argv: list[str], *, program: str | None = None) -> int:
    try:
        with interrupts_kept():
            code = _dispatch(argv, program=program)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone. Python flushes stdout once more at exit: give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (LfvError, ImportError, MemoryError, OSError) as error:
        reported = _in_our_words(error, argv)
        if reported is None:
            raise
        print(f"lfv: error: {reported}", file=sys.stderr)
        return reported.exit_code


def _dispatch(argv: list[str], *, program: str | None) -> int:
    top = _top_parser()
    chosen = top.parse_args(argv)
    command = COMMANDS[chosen.command]
    module = importlib.import_module(command.module)
    parser = _command_parser(module, program or f"lfv {chosen.command}")
    args = parser.parse_args(chosen.arguments)
    args.verbose += chosen.verbose
    _start_logging(args.verbose)
    return int(module.run(args))


def _top_parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    listing = "\n".join(f"  {name:<{width}}  {command.help}" for name, command in COMMANDS.items())
    parser = _Parser(
        prog="lfv",
        usage="lfv [-h] [--version] [-v] COMMAND ...",
        description="Light-field video: footage of many synchronised cameras becomes a show that is watched with a "
        "freely moving head.",
        epilog=f"commands:\n{listing}\n\n"
        "examples:\n"
        "  lfv encode rig/ --out show.lfv     make a show of a rig's footage\n"
        "  lfv play show.lfv                  watch it\n"
        "  lfv COMMAND --help                 a command's options and examples",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lfv {lfv_version()}")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="say more; twice: say everything")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of the commands below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _command_parser(module: ModuleType, program: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=program,
        description=module.HELP,
        epilog="examples:\n" + module.EXAMPLES.strip("\n"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    parser.add_argument("-v", "--verbose", action="count", default=0, help="say more; twice: say everything")
    return parser


def _start_logging(verbosity: int) -> None:
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)]
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr, force=True)
    for chatty in ("numba", "matplotlib", "libav", "asyncio"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))


def _in_our_words(error: LfvError | ImportError | MemoryError | OSError, argv: list[str]) -> LfvError | None:
    """The error of our own tree for what `error` says, or None where it is a fault of the program."""
    if isinstance(error, LfvError):
        return error
    if isinstance(error, ImportError):
        return _import_error(error, argv)
    if isinstance(error, MemoryError):
        return LfvError(
            f"out of memory ({error or 'nothing is left'}); close other programs or give this one less to do"
        )
    where = error.filename if isinstance(error.filename, str) else "the disk"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(f"{where}: no space left on the device; free some and run the same command again to go on")
    if error.errno is not None and error.filename is not None:
        return StorageError(
            f"{where}: {(error.strerror or os.strerror(error.errno)).lower()}; check the path and its rights"
        )
    return None


def _import_error(error: ImportError, argv: list[str]) -> LfvError | None:
    command = next(name for name in argv if name in COMMANDS)
    package = (error.name or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and package in _EXTRA_PACKAGES:
        extra = COMMANDS[command].extra
        return MissingExtraError(f"'{command}' needs the package {package}; pip install 'lfv[{extra}]'")
    if "cannot open shared object file" in str(error):
        library = str(error).partition(":")[0]
        return DisplayError(
            f"the system library {library} is missing; apt-get install libegl1 libgl1 libgomp1 libusb-1.0-0 libxrender1"
        )
    return None


if __name__ == "__main__":
    sys.exit(main())
