"""The quick run of each benchmark of streaming works and gives figures. How fast things are is nothing for a test."""

from __future__ import annotations

import argparse
import json
import math
import shutil
from pathlib import Path

import pytest

from encoder.commands import bench
from protocol.serve.player_files import read_script
from samples.make_rig import RigConfig, make_rig

pytestmark = pytest.mark.slow

CLIENTS = (
    "count",
    "errors",
    "stalls",
    "stalled",
    "lag",
    "cpu",
    "rate",
    "server_cpu",
    "server_cpu_per_client",
    "server_memory_per_client",
    "kernel_memory_per_client",
)


def figures(tmp_path: Path, name: str, *more: str) -> dict[str, float]:
    """By name, as `lfv bench --quick --only NAME --json FILE` writes them."""
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    out = tmp_path / "bench.json"
    assert bench.run(parser.parse_args(["--quick", "--only", name, "--json", str(out), *more])) == 0
    found = {figure["name"]: figure["value"] for figure in json.loads(out.read_text())}
    assert all(math.isfinite(value) for value in found.values())
    return found


def test_goodput(tmp_path: Path) -> None:
    found = figures(tmp_path, "goodput")
    ratios = {"goodput_websocket_of_raw_push", "goodput_websocket_of_raw_echo", "goodput_zeromq_of_raw"}
    rates = {"goodput_websocket", "goodput_zeromq", "goodput_http"}
    assert set(found) == ratios | rates | {"goodput_zeromq_of_raw_uncopied", "goodput_http_of_raw"}
    assert min(found.values()) > 0


@pytest.mark.parametrize("name", ["clients", "clients_zeromq", "clients_http"])
def test_clients(tmp_path: Path, name: str) -> None:
    found = figures(tmp_path, name)
    assert set(found) == {f"{name}_{what}" for what in CLIENTS}
    assert found[f"{name}_count"] == 20 and found[f"{name}_errors"] == 0
    assert found[f"{name}_rate"] > 2


def test_startup(tmp_path: Path) -> None:
    found = figures(tmp_path, "startup")
    whats = ("first_frame", "seek_cold", "seek_cached")
    wanted = {f"startup{way}_{what}_{p}" for way in ("", "_http") for what in whats for p in ("p50", "p95")}
    assert set(found) == wanted
    # The link's own round trips: to connect, and to ask.
    assert found["startup_first_frame_p50"] > 0.3 and found["startup_seek_cold_p50"] > 0.1


def test_adaptation(tmp_path: Path) -> None:
    found = figures(tmp_path, "adaptation")
    assert {"adaptation_switches", "adaptation_rebuffer", "adaptation_rebuffer_below_ladder"} < set(found)
    assert {"adaptation_rung_at_80", "adaptation_rung_at_32", "adaptation_down_to_32"} < set(found)
    assert found["adaptation_rung_at_80"] in (15, 25, 40, 80)


def test_live(tmp_path: Path) -> None:
    found = figures(tmp_path, "live")
    assert set(found) == {"live_chunks", *(f"live_{w}_{p}" for w in ("added", "behind_edge") for p in ("p50", "p95"))}
    assert found["live_chunks"] >= 3 and found["live_added_p50"] > 0
    assert found["live_behind_edge_p50"] > 0.5


def test_ladder_and_history(tmp_path: Path) -> None:
    make_rig(tmp_path / "rig", RigConfig(cameras=4, frames=2, width=64, height=48, samples=1, views=0))
    history = tmp_path / "history.jsonl"
    found = figures(tmp_path, "ladder", "--rig", str(tmp_path / "rig"), "--history", str(history))
    rungs = {name.split("_")[1] for name in found}
    assert len(rungs) > 1 and set(found) == {f"ladder_{r}_{w}" for r in rungs for w in ("rate", "psnr", "ssim")}
    (line,) = history.read_text().splitlines()
    assert json.loads(line)["figures"].keys() == found.keys() and json.loads(line)["quick"] is True


def test_browser(tmp_path: Path) -> None:
    if shutil.which("chromium") is None or read_script() is None:
        pytest.skip("chromium or the browser's player is missing; 'make test' brings both")
    found = figures(tmp_path, "browser")
    times = {
        f"browser_{what}_{which}" for what in ("first_paint", "first_frame", "seek_cold") for which in ("p50", "worst")
    }
    assert set(found) == times | {"browser_bundle_gzip"}
    assert found["browser_first_paint_p50"] < found["browser_first_frame_p50"]
