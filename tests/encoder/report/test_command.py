"""`lfv evaluate --report` on a real show: the page's figures are those of the JSON; bad paths are refused at once."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from encoder.cli import main
from encoder.report.units import bits
from samples.make_rig import RigConfig, make_rig
from tests.encoder.report.reports import Element, parsed, section, table_rows, tiles
from tests.end_to_end.commands import QUICK, run

pytestmark = pytest.mark.slow
CAMERAS = ["camera_0001", "camera_0002", "camera_0003"]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six fisheye videos of six frames at 20 fps, sound, and a test view."""
    folder = tmp_path_factory.mktemp("rigs") / "small"
    rate = Fraction(20)
    make_rig(
        folder,
        RigConfig(cameras=6, frames=6, width=64, height=48, frame_rate=rate, sound=True, views=1, view_size=48),
    )
    return folder


@pytest.fixture(scope="module")
def show(rig: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two chunks of three frames at several rungs, with sound, a camera held out."""
    out = tmp_path_factory.mktemp("shows") / "ladder.lfv"
    options = ["--gop", "0.15", "--ladder", "--hold-out", CAMERAS[0], "--sound", rig / "sound.wav", "--quiet"]
    named = ["--title", "A <small> room"]
    assert main(["encode", str(rig), "--out", str(out), *QUICK, *map(str, options), *named]) == 0
    return out


@pytest.fixture(scope="module")
def judged(rig: Path, show: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Element, dict[str, Any], bytes]:
    """The page, the JSON beside it, and the page's bytes."""
    folder = tmp_path_factory.mktemp("reports")
    outputs = ["--report", folder / "new" / "report.html", "--json", folder / "figures.json"]
    assert main(["evaluate", *map(str, [show, "--rig", rig, "--cameras", *CAMERAS, *outputs])]) == 0
    assert [path.name for path in (folder / "new").iterdir()] == ["report.html"]
    data = (folder / "new" / "report.html").read_bytes()
    return parsed(data), json.loads((folder / "figures.json").read_text()), data


def test_the_figures_are_those_of_the_json(judged: tuple[Element, dict[str, Any], bytes]) -> None:
    html, figures, _ = judged
    found, temporal = tiles(html), figures["temporal"]
    worst = min(figures["cameras"].values(), key=lambda camera: camera["psnr"])
    assert found == {
        "PSNR, mean": f"{figures['mean']['psnr']:.2f} dB",
        "SSIM, mean": f"{figures['mean']['ssim']:.4f}",
        "Worst camera": f"{worst['psnr']:.2f} dB",
        "Bits per frame": bits(figures["bits_per_frame"]),
        "Rate": f"{bits(figures['bits_per_second'])}/s",
        "Flicker, show to footage": f"{temporal['variance_ratio']:.2f}",
        "Step at GOP borders": f"{temporal['across_rms']:.2f} levels",
        "Dip at GOP borders": f"{temporal['border_dip_db']:.2f} dB",
    }
    rows = {row[0]: row for row in table_rows(section(html, "Camera by camera"))[1:]}
    assert set(rows) == set(CAMERAS) == set(figures["cameras"])
    for name, camera in figures["cameras"].items():
        kind = "held out" if camera["held_out"] else "seen"
        assert rows[name][1:4] == [kind, "6", f"{camera['psnr']:.2f}"] and rows[name][5] == f"{camera['ssim']:.4f}"


def test_the_temporal_figures(judged: tuple[Element, dict[str, Any], bytes]) -> None:
    html, figures, _ = judged
    temporal = figures["temporal"]
    assert temporal["borders"] == 1 and temporal["frames"] == list(range(6))
    assert temporal["variance_ratio"] == pytest.approx((temporal["show_rms"] / temporal["truth_rms"]) ** 2)
    psnr = temporal["psnr"]
    dip = (psnr[0] + psnr[1] + psnr[4] + psnr[5]) / 4 - (psnr[2] + psnr[3]) / 2
    assert temporal["border_dip_db"] == pytest.approx(dip) == temporal["border_dip_most_db"]
    mean = sum(psnr) / 6
    assert figures["mean"]["psnr"] == pytest.approx(mean)
    part = section(html, "Steadiness over time")
    rows = {row[0]: row[1] for row in table_rows(part)[1:]}
    assert rows["Noise of still pixels, footage"] == f"{temporal['truth_rms']:.2f} levels"
    assert rows["Noise of still pixels, show"] == f"{temporal['show_rms']:.2f} levels"
    assert len(part.all("line", "border")) == 1 and len(part.all("polyline")) == 2


def test_every_rung_is_judged(judged: tuple[Element, dict[str, Any], bytes]) -> None:
    html, figures, _ = judged
    rungs = figures["rungs"]
    assert len(rungs) >= 2 and rungs[0]["psnr"] == figures["mean"]["psnr"]
    assert rungs[0]["bits_per_second"] == figures["bits_per_second"]
    part = section(html, "Quality against rate")
    cheapest_first = [
        [rung["name"], f"{rung['bits_per_second'] / 1e6:.3f}", f"{rung['psnr']:.2f}", f"{rung['ssim']:.4f}"]
        for rung in sorted(rungs, key=lambda rung: rung["bits_per_second"])
    ]
    assert table_rows(part)[1:] == cheapest_first and len(part.all("circle")) == len(rungs)
    kinds = {row[0]: row[1:] for row in table_rows(section(html, "What the bits are spent on"))[1:]}
    for rung in rungs:
        total = sum(rung["bytes"].values())
        assert rung["bits_per_frame"] == pytest.approx(8 * total / 6) and rung["bytes"]["sound"] > 0
        parts = [f"{bits(size * 8 / 6)} ({size / total:.1%})" for size in rung["bytes"].values()]
        assert kinds[rung["name"]] == [*parts, bits(rung["bits_per_frame"]), f"{bits(rung['bits_per_second'])}/s"]


def test_the_head_and_the_pictures(judged: tuple[Element, dict[str, Any], bytes], rig: Path) -> None:
    html, _, data = judged
    (head,) = html.all("header")
    assert head.all("h1")[0].text == "A <small> room"
    assert "held out: camera_0001" in head.text and "6 frames at 20 per second" in head.text
    assert "10 shells solved, 5 layers" in head.text and "sound = sound.wav" in head.text
    assert str(rig.parent) not in data.decode()
    assert len(section(html, "Pictures").all("figure")) == 3 and len(html.all("img")) == 9


def test_it_comes_out_the_same_again(
    judged: tuple[Element, dict[str, Any], bytes], rig: Path, show: Path, tmp_path: Path
) -> None:
    out = tmp_path / "again.html"
    out.write_text("an older one")
    assert main(["evaluate", *map(str, [show, "--rig", rig, "--cameras", *CAMERAS, "--report", out])]) == 0
    again, before = out.read_bytes(), judged[2]
    assert again.replace(_date(again), b"") == before.replace(_date(before), b"")
    assert [path.name for path in tmp_path.iterdir()] == ["again.html"]


def test_one_rung_and_views_that_are_no_cameras(
    rig: Path, show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, figures = tmp_path / "report.html", tmp_path / "figures.json"
    views = rig / "test_views.json"
    done = run(capsys, "evaluate", show, "--views", views, "--rung", "high", "--report", out, "--json", figures)
    assert done.code == 0 and "rungs" not in done.err
    html, found = parsed(out.read_bytes()), json.loads(figures.read_text())
    assert found["temporal"] is None and [rung["name"] for rung in found["rungs"]] == ["high"]
    assert "Only rung high was judged" in section(html, "Quality against rate").text
    assert "do not follow each other" in section(html, "Steadiness over time").text
    assert len(table_rows(section(html, "Camera by camera"))) == 1 + len(found["cameras"]) == 4


def test_bad_paths_are_refused_before_the_work(
    rig: Path, show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    before = show.read_bytes()
    for path, code in ((tmp_path, 2), (tmp_path / "file" / "report.html", 1), (Path("/dev/null"), 2), (show, 2)):
        done = run(capsys, "evaluate", show, "--rig", rig, "--report", path)
        assert done.code == code and str(path) in done.error and not done.out, path
    done = run(capsys, "evaluate", show, "--rig", rig, "--report", tmp_path / "a", "--json", tmp_path / "a")
    assert done.code == 2 and "overwrite" in done.error
    assert show.read_bytes() == before and [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_damaged_show_leaves_no_report(
    rig: Path, show: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "damaged.lfv"
    shutil.copy(show, damaged)
    data = bytearray(damaged.read_bytes())
    data[-100] ^= 0xFF
    damaged.write_bytes(data)
    done = run(capsys, "evaluate", damaged, "--rig", rig, "--report", tmp_path / "report.html")
    assert done.code == 1 and "checksum" in done.error
    assert [path.name for path in tmp_path.iterdir()] == ["damaged.lfv"]


def _date(page: bytes) -> bytes:
    (head,) = parsed(page).all("header")
    return head.all("dd")[-1].text.encode()
