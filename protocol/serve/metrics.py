"""What a server counts, and the page in Prometheus' text format that says it."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass
class Metrics:
    """Counters of one server. Only its event loop touches them.

    Attributes:
        connections: open now, by transport ("http", "websocket", "zeromq").
        accepted: ever, by transport.
        sessions: that were let in to a show and are not over, by transport.
        watching: sessions of each show now.
        requests: HTTP answers by status.
        sent: bytes by transport, heads and frames included.
        parts, segments: of sessions, by transport; a segment counts when its last part is handed to the wire.
        errors: that ended a session, by code of SPEC section 8.
        refused: connections that got no service, by reason.
    """

    connections: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    sessions: Counter[str] = field(default_factory=Counter)
    watching: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    parts: Counter[str] = field(default_factory=Counter)
    segments: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=time.time)

    def opened(self, transport: str) -> None:
        self.connections[transport] += 1
        self.accepted[transport] += 1

    def closed(self, transport: str) -> None:
        self.connections[transport] -= 1


# Field, name in the page, type, label, help.
_PAGE = (
    ("connections", "lfv_connections", "gauge", "transport", "Connections that are open"),
    ("accepted", "lfv_connections_total", "counter", "transport", "Connections ever"),
    ("sessions", "lfv_sessions", "gauge", "transport", "Sessions that were let in and are not over"),
    ("watching", "lfv_show_clients", "gauge", "show", "Sessions of each show"),
    ("requests", "lfv_http_responses_total", "counter", "status", "HTTP answers"),
    ("sent", "lfv_sent_bytes_total", "counter", "transport", "Bytes handed to the network"),
    ("parts", "lfv_parts_total", "counter", "transport", "Parts of sessions"),
    ("segments", "lfv_segments_total", "counter", "transport", "Whole segments of sessions"),
    ("errors", "lfv_session_errors_total", "counter", "code", "Errors that ended a session"),
    ("refused", "lfv_refused_total", "counter", "reason", "Connections that were refused or cut"),
)


def render(metrics: Metrics) -> str:
    """The page, this process' memory and processor time included."""
    lines: list[str] = []
    for key, name, kind, label, text in _PAGE:
        lines += [f"# HELP {name} {text}.", f"# TYPE {name} {kind}"]
        counts: Counter[str] = getattr(metrics, key)
        lines += [f'{name}{{{label}="{_escaped(value)}"}} {count}' for value, count in sorted(counts.items())]
    cpu = os.times()
    for name, kind, text, value in (
        ("process_resident_memory_bytes", "gauge", "Memory of this process", resident_bytes()),
        ("process_cpu_seconds_total", "counter", "Processor time of this process", cpu.user + cpu.system),
        ("process_start_time_seconds", "gauge", "Start of the server since 1970", metrics.started),
    ):
        lines += [f"# HELP {name} {text}.", f"# TYPE {name} {kind}", f"{name} {value}"]
    return "\n".join(lines) + "\n"


def resident_bytes() -> int:
    """Memory that this process has in use now."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
