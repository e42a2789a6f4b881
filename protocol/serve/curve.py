"""The key pair by which a ZeroMQ server encrypts, and proves to players that it is the one they mean."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

import zmq

from protocol.errors import UsageError
from protocol.storage import reporting, write_all

_KEY_CHARACTERS = 40  # of Z85


@dataclass(frozen=True)
class CurveKeys:
    """Both as 40 characters of Z85. Players are given the public one."""

    public: str
    secret: str = field(repr=False)


def load_or_make_curve_keys(path: Path) -> CurveKeys:
    """The keys whose secret one is in a file; where there is none, a new one is written, for its owner alone.

    Raises:
        UsageError: the file holds something else, or others may read it. StorageError: it cannot be read or written.
    """
    if not path.exists():
        public, secret = zmq.curve_keypair()
        with reporting(path, "write"):
            # Never there with other rights, not even for a moment.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                write_all(descriptor, secret + b"\n")
            finally:
                os.close(descriptor)
        return CurveKeys(public.decode(), secret.decode())
    with reporting(path, "read"):
        rights, text = path.stat().st_mode, path.read_bytes()[:1024]
    if rights & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(f"{path} holds a secret that others may read; run chmod 600 {path}")
    secret = text.strip()
    try:
        if len(secret) != _KEY_CHARACTERS:
            raise ValueError(secret)
        return CurveKeys(zmq.curve_public(secret).decode(), secret.decode())
    except (ValueError, zmq.ZMQError) as error:
        raise UsageError(f"{path} holds no key of ZeroMQ; move it away and a new one is made") from error
