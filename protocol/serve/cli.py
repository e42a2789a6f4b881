"""`lfv serve`: deliver shows to players over HTTP, WebSocket and ZeroMQ."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import resource
import signal
import socket
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from protocol.errors import UsageError
from protocol.partial import partial_path
from protocol.serve.live import Follower, LiveShow
from protocol.serve.page import addresses, watch_address
from protocol.serve.player_files import read_script
from protocol.serve.server import ServeConfig, Server, serving, tls_context
from protocol.serve.shelf import SUFFIX, Place, ServedShow, Shelf, StaticShow, open_static, show_files
from protocol.storage import reporting

HELP = "Deliver shows to players: WebSocket and HTTP with byte ranges on one port, ZeroMQ on another."
EXAMPLES = """
  lfv serve show.lfv                                    on this machine only, port 8080
  lfv serve shows/ --port 0                             every show of a folder, on any free port
  lfv serve show.lfv --host 0.0.0.0 --token-file secret --tls-cert cert.pem --tls-key key.pem
  lfv serve show.lfv --zmq-port 5555                    ZeroMQ as well
  lfv serve show.lfv --live                             while `lfv encode rig/ --live --out show.lfv` still runs

It says each show's addresses when it is ready: `lfv play ADDRESS` watches one, and so does a browser at its page. The
HTTP port has / (a page that leads there), /shows (what there is, as JSON), /health and /metrics (for Prometheus).
Ctrl-C or SIGTERM ends it: nobody new is let in, clients get the segment that is on its way to them, then a goodbye. A
second one ends it at once.
"""

if TYPE_CHECKING:
    from protocol.serve.curve import CurveKeys

_TOKEN = re.compile(r"[\x21-\x7e]{1,512}")
_ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[^/\s?#]+", re.IGNORECASE)
_EVERYWHERE = ("", "0.0.0.0", "::")
_SPARE_FILES = 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("shows", nargs="+", type=Path, metavar="SHOW", help=".lfv files, or folders of them")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; default: this machine only")
    parser.add_argument("--port", type=int, default=8080, help="of HTTP and WebSocket; 0: any that is free")
    parser.add_argument("--zmq-port", type=int, metavar="N", help="of ZeroMQ; 0: any that is free; default: none")
    parser.add_argument("--live", action="store_true", help="the shows may still be encoded, or begin later")
    parser.add_argument("--drain", type=float, default=10.0, metavar="S", help="seconds for clients at the end")
    who = parser.add_argument_group("who is let in")
    who.add_argument("--token", help="clients must know it; others on this machine see it, so rather use --token-file")
    who.add_argument("--token-file", type=Path, metavar="FILE", help="holds the token; so does $LFV_TOKEN")
    who.add_argument(
        "--origin", action="append", default=[], metavar="ORIGIN", help="browsers' pages from there, too; '*' for all"
    )
    who.add_argument("--tls-cert", type=Path, metavar="PEM", help="serve https:// and wss:// with this certificate")
    who.add_argument("--tls-key", type=Path, metavar="PEM", help="its key, where the certificate's file has none")
    who.add_argument(
        "--curve", type=Path, metavar="FILE", help="encrypt ZeroMQ by the secret key there, made where there is none"
    )
    who.add_argument("--max-clients", type=int, default=1000, metavar="N", help="connections at once; default: 1000")
    who.add_argument(
        "--max-per-address",
        type=int,
        default=256,
        metavar="N",
        help="of one address; default: 256; this machine's own have no such limit, since proxies come from there",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until a signal says stop. Raises LfvError."""
    _check(args)
    config = _config(args)
    shelf = Shelf(token=_token(args))
    live = [LiveShow(path) for path in _live_files(args.shows)] if args.live else []
    try:
        places: Iterable[Place] = live if args.live else map(open_static, show_files(args.shows))
        for place in places:
            shelf.add(place)
        _allow_files(args.max_clients * (1 if args.zmq_port is None else 2))
        return asyncio.run(_serve(shelf, config, args, Follower(live)))
    finally:
        shelf.close()


async def _serve(shelf: Shelf, config: ServeConfig, args: argparse.Namespace, follower: Follower) -> int:
    stop, at_once = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        if stop.is_set():
            at_once.set()
        else:
            stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, signalled)
    async with serving(shelf, config) as server:
        follower.start()
        _announce(shelf, server, config)
        await stop.wait()
        _say("ending; once more ends it at once")
        await server.drain(args.drain, enough=at_once)
        follower.stop()
    return 1 if at_once.is_set() else 0


def _announce(shelf: Shelf, server: Server, config: ServeConfig) -> None:
    """The addresses on stdout, one a line, for people and programs; warnings on stderr."""
    if not config.local:
        if not shelf.guarded:
            _say("warning: anyone who reaches this machine can watch; give a --token-file")
        if config.tls is None:
            _say("warning: without --tls-cert shows and tokens can be read on their way")
        if server.zmq_port is not None and config.zmq_keys is None:
            _say("warning: without --curve shows and tokens can be read on their way over ZeroMQ")
    name = socket.gethostname() if config.host in _EVERYWHERE else config.host
    host = f"[{name}]:{server.port}" if ":" in name else f"{name}:{server.port}"
    begun = {show.name: show for show in shelf.shows()}
    for show_name in shelf.names():
        print(f"{show_name}: {_described(begun.get(show_name))}")
        live, secure = not isinstance(begun.get(show_name), StaticShow), config.tls is not None
        for address in addresses(show_name, live=live, host=host, secure=secure, zmq_port=server.zmq_port):
            print(f"  {address}")
        print(f"  in a browser: {watch_address(show_name, host=host, secure=secure)}")
    if config.zmq_keys is not None:
        print(f"public key of ZeroMQ: {config.zmq_keys.public}")
    print("ready", flush=True)


def _described(show: ServedShow | None) -> str:
    if show is None:
        return "has not begun yet"
    return f"{show.manifest.title or 'no title'}, {'live' if show.live else f'{float(show.index.duration):.1f} s'}"


def _say(message: str) -> None:
    print(f"lfv: {message}", file=sys.stderr, flush=True)


def _live_files(paths: list[Path]) -> Iterator[Path]:
    """The shows that files and folders name, whether they have begun or not. Raises UsageError where none can come."""
    for path in paths:
        if not path.is_dir() and (path.suffix != SUFFIX or not path.parent.is_dir()):
            raise UsageError(f"{path} is no place for a show; name one like concert{SUFFIX}, in a folder that is there")
        begun = path.glob(f"*{partial_path(Path(SUFFIX)).name}") if path.is_dir() else ()
        names = {path / name.name.removesuffix(name.suffix) for name in begun}
        if names:
            yield from sorted(names | {entry for entry in path.glob(f"*{SUFFIX}") if entry.is_file()})
        else:
            yield from show_files([path])


def _config(args: argparse.Namespace) -> ServeConfig:
    return ServeConfig(
        host=args.host,
        port=args.port,
        origins=tuple(origin.rstrip("/").lower() for origin in args.origin),
        tls=None if args.tls_cert is None else tls_context(args.tls_cert, args.tls_key),
        max_clients=args.max_clients,
        max_per_address=args.max_per_address,
        zmq_port=args.zmq_port,
        zmq_keys=None if args.curve is None else _curve_keys(args.curve),
        script=read_script(),
    )


def _curve_keys(path: Path) -> CurveKeys:
    from protocol.serve.curve import load_or_make_curve_keys

    return load_or_make_curve_keys(path)


def _token(args: argparse.Namespace) -> str:
    if args.token_file is not None:
        with reporting(args.token_file, "read"):
            token, where = args.token_file.read_text(encoding="utf-8", errors="replace").strip(), str(args.token_file)
    elif args.token is not None:
        token, where = args.token, "--token"
    else:
        token, where = os.environ.get("LFV_TOKEN", ""), "$LFV_TOKEN"
        if not token:
            return ""
    if not _TOKEN.fullmatch(token):
        raise UsageError(f"{where} holds no token; give 1 to 512 letters, digits and signs of ASCII without spaces")
    return str(token)


def _check(args: argparse.Namespace) -> None:
    if not 0 <= args.port <= 65535:
        raise UsageError(f"--port {args.port} is none; give 0 to 65535")
    if args.zmq_port is not None and not 0 <= args.zmq_port <= 65535:
        raise UsageError(f"--zmq-port {args.zmq_port} is none; give 0 to 65535")
    if args.zmq_port is not None and args.zmq_port == args.port != 0:
        raise UsageError(f"--port and --zmq-port are both {args.port}; give two numbers")
    if args.curve is not None and args.zmq_port is None:
        raise UsageError("--curve encrypts ZeroMQ; add --zmq-port")
    if not 0 <= args.drain <= 3600:
        raise UsageError(f"--drain {args.drain:g} is out of range; give 0 to 3600 seconds")
    if args.max_clients < 1 or args.max_per_address < 1:
        raise UsageError("--max-clients and --max-per-address are counts; give 1 or more")
    if args.token is not None and args.token_file is not None:
        raise UsageError("--token and --token-file say the same thing; give one of them")
    if args.tls_key is not None and args.tls_cert is None:
        raise UsageError("--tls-key belongs to a certificate; add --tls-cert")
    for origin in args.origin:
        if not _ORIGIN.fullmatch(origin.rstrip("/")):
            raise UsageError(
                f"--origin {origin} is none; write it like https://example.org or https://example.org:8443"
            )


def _allow_files(clients: int) -> None:
    """As many open files as that many clients may need: a connection, and its second descriptor for sendfile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * clients + _SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        if allowed < wanted:
            _say(f"warning: only {allowed} open files are allowed here, too few for {clients} clients; see ulimit -n")
