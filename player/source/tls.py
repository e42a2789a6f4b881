"""Trust in a server: its certificate is always verified."""

from __future__ import annotations

import ssl
from pathlib import Path

from protocol.errors import UsageError


def client_context(ca_file: Path | None) -> ssl.SSLContext:
    """TLS that trusts the authorities in a PEM file, or the system's. Raises UsageError."""
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except OSError as error:  # ssl.SSLError is one
        raise UsageError(f"--ca {ca_file} holds no certificates that can be read; give a PEM file") from error
