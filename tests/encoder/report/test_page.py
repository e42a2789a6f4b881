"""The page says what the figures say, whatever things are called, and asks for nothing from outside."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from encoder.report.page import page
from encoder.report.units import bits, size
from tests.encoder.report.reports import camera, parsed, report, section, table_rows, tiles
from tests.protocol import examples

# Two chunks of 3 frames. cam00 dips by 2 at the border, cam01 by 0.
DIPPING = {"cam00": camera([30.0, 30.0, 28.0, 28.0, 30.0, 30.0]), "cam01": camera([26.0] * 6, held_out=False)}
EVIL = "<script>alert('1')</script>\"><img src=x onerror=y>&amp;\u202e"


def _read(**options):
    return parsed(page(report(DIPPING, borders=(3,), **options)))


def test_the_main_figures():
    found = tiles(_read())
    assert found == {
        "PSNR, mean": f"{(176 / 6 + 26) / 2:.2f} dB",
        "SSIM, mean": "0.7500",
        "Worst camera": "26.00 dB",
        "Bits per frame": "800 kbit",
        "Rate": "24.0 Mbit/s",
        "Flicker, show to footage": "4.00",
        "Step at GOP borders": "0.80 levels",
        "Dip at GOP borders": "1.00 dB",
    }
    html = _read()
    assert [tile.all("dd", "verdict")[0].text for tile in html.all("div", "missed")] == ["misses the bar"] * 3
    assert "cam00 and cam01" in section(html, "Summary").text and "12 pictures" in section(html, "Summary").text


def test_the_head():
    html = _read()
    (head,) = html.all("header")
    assert head.all("h1")[0].text == "Tiny é"
    facts = dict(zip([dt.text for dt in head.all("dt")], [dd.text for dd in head.all("dd")], strict=True))
    assert facts["Show"] == "show.lfv, 1.23 MB" and facts["Judged against"] == "rig"
    assert facts["Cameras"] == "2 (pinhole 640x480); held out: cam00"
    assert facts["Time"] == "6 frames at 29.97 per second, 0.20 s; 2 groups of pictures (GOPs)"
    assert facts["Space"].startswith("90 x 53 degrees at 0.3 pixels per degree (plane of 32x16); from 0.5 to infinity")
    assert facts["Shells and layers"] == "2 layers in the show"
    assert facts["Rung"] == "rung0: h264 64x64, 0.3 pixels per degree, 100 kbit/s"
    assert facts["Settings"] == "layers = 2, quality = 23.5, solver = sweep, masks = False, seed = None"
    assert facts["Made"] == "2026-03-01 with lfv 1.2.3"


def test_settings_name_files_without_their_folders():
    encoder = {"sound": "/home/me/secret/stage.wav", "hold_out": "('a',)", "shells": 40, "solve.solver": "sweep"}
    html = _read(manifest=replace(examples.manifest(), encoder=encoder))
    (head,) = html.all("header")
    assert "sound = stage.wav" in head.text and "secret" not in head.text and "hold_out" not in head.text
    assert "40 shells solved, 2 layers" in head.text


def test_cameras_stand_worst_first():
    head, *rows = table_rows(section(_read(), "Camera by camera"))
    assert head == ["Camera", "To the encoder", "Frames", "PSNR, dB", "26 to 30 dB", "SSIM", "Worst frame"]
    assert rows == [
        ["cam01", "seen", "6", "26.00", "", "0.7500", "0 (26.00 dB)"],
        ["cam00", "held out", "6", "29.33", "", "0.7500", "2 (28.00 dB)"],
    ]
    captions = [caption.text for caption in section(_read(), "Pictures").all("figcaption")]
    assert captions == ["cam01, seen; frame 0: 26.00 dB", "cam00, held out; frame 0: 28.00 dB"]


def test_lpips_is_there_where_it_was_measured():
    measured = {name: replace(figures, lpips=[0.125] * 6) for name, figures in DIPPING.items()}
    html = parsed(page(report(measured)))
    head, first, _ = table_rows(section(html, "Camera by camera"))
    assert head[6] == "LPIPS" and first[6] == "0.1250" and tiles(html)["LPIPS, mean"] == "0.1250"


def test_steadiness():
    part = section(_read(), "Steadiness over time")
    rows = {row[0]: row[1] for row in table_rows(part)[1:]}
    assert rows == {
        "Noise of still pixels, footage": "0.50 levels",
        "Noise of still pixels, show": "1.00 levels",
        "Ratio of their variances": "4.00",
        "The same in still regions": "1.66",  # of five pairs of frames one is at the border
        "Change of still regions inside GOPs": "0.60 levels",
        "Change of still regions at GOP borders": "0.80 levels",
        "Mean dip at GOP borders": "1.00 dB",
        "Deepest dip": "1.00 dB",
    }
    worst, mean = part.all("polyline")
    assert worst.attributes["class"] == "curve second" and mean.attributes["class"] == "curve first"
    # 26 to 28 dB over 208 pixels: the mean is 28, 28, 27, 27, 28, 28.
    assert mean.attributes["points"] == "66,14 193.2,14 320.4,118 447.6,118 574.8,14 702,14"
    assert [item.text for item in part.all("li")] == ["Mean of all cameras", "Worst camera, cam01"]
    assert len(part.all("line", "border")) == 1


def test_what_cannot_be_measured_is_said():
    noiseless = {"a": replace(camera([30.0, 29.0]), still=[(0.0, 1.0)], inside=[], across=[(0.0, 0.16)])}
    html = parsed(page(report(noiseless, borders=(1,))))
    rows = {row[0]: row for row in table_rows(section(html, "Steadiness over time"))[1:]}
    assert rows["Ratio of their variances"][1] == "\u2013" and "no noise" in rows["Ratio of their variances"][3]
    assert rows["Mean dip at GOP borders"][1] == "\u2013" and "away from" in rows["Mean dip at GOP borders"][3]
    assert "Flicker, show to footage" not in tiles(html) and "Dip at GOP borders" not in tiles(html)
    # What can: the bar is then what nobody sees.
    assert tiles(html)["Flicker"] == "1.00 levels" and tiles(html)["Step at GOP borders"] == "0.40 levels"
    assert [tile.attributes["class"] for tile in html.all("div", "tile")][-2:] == ["tile missed", "tile met"]


def test_a_still_has_no_time():
    manifest = replace(examples.manifest(chunks=1, frames=1, rungs=2), frame_rate=None, duration=Fraction(1))
    html = parsed(page(report({"a": camera([30.0])}, manifest=manifest, judged=2)))
    part = section(html, "Steadiness over time")
    assert part.text.endswith("there is no time to be steady over.") and not part.all("svg") and not part.all("table")
    assert "Rate" not in tiles(html) and "a still: one frame" in html.all("header")[0].text
    assert table_rows(section(html, "Quality against rate"))[0][1] == "Mbit per frame"


def test_views_do_not_follow_each_other():
    html = parsed(page(report({f"v{n}": camera([30.0 + n], held_out=None, first=n) for n in range(3)})))
    assert "do not follow each other" in section(html, "Steadiness over time").text
    assert "views of no rig camera" in section(html, "Summary").text
    assert {row[1] for row in table_rows(section(html, "Camera by camera"))[1:]} == {"view"}


def test_rates_by_kind():
    part = section(_read(judged=2), "What the bits are spent on")
    head, best, _ = table_rows(part)
    assert head == ["Rung", "Video", "Geometry", "Sound", "Headers", "All, per frame", "Rate"]
    # 6000 of 10000 bytes in 6 frames.
    assert best[1:] == [
        "8.00 kbit (60.0%)",
        "4.00 kbit (30.0%)",
        "1.20 kbit (9.0%)",
        "133 bit (1.0%)",
        "13.3 kbit",
        "24.0 Mbit/s",
    ]
    assert len(part.all("rect")) == 8


def test_the_curve_has_a_dot_for_each_rung():
    part = section(_read(judged=3), "Quality against rate")
    assert table_rows(part)[1:] == [
        ["rung2", "6.000", "25.67", "0.7500"],
        ["rung1", "12.000", "26.67", "0.7500"],
        ["rung0", "24.000", "27.67", "0.7500"],
    ]
    # 0 to 25 Mbit/s over 636 pixels.
    assert [dot.attributes["cx"] for dot in part.all("circle")] == ["218.64", "371.28", "676.56"]
    assert [text.text for text in part.all("text")][-3:] == ["rung2", "rung1", "rung0"]


def test_one_rung_makes_no_curve():
    assert "has one rung" in section(_read(), "Quality against rate").text
    html = parsed(page(report(DIPPING, manifest=examples.manifest(rungs=2), judged=1)))
    assert "Only rung rung0 was judged" in section(html, "Quality against rate").text


def test_names_are_shown_and_not_run():
    manifest = examples.manifest(rungs=2)
    manifest = replace(
        manifest,
        title=EVIL,
        encoder={EVIL: EVIL},
        cameras=tuple(replace(one, name=f"{EVIL}{n}") for n, one in enumerate(manifest.cameras)),
        rungs=tuple(replace(rung, name=f"{n}{EVIL}") for n, rung in enumerate(manifest.rungs)),
    )
    cameras = {f"{EVIL}{number}": figures for number, figures in enumerate(DIPPING.values())}
    made = replace(report(cameras, manifest=manifest, judged=2), file=f"{EVIL}.lfv", against=EVIL)
    html = parsed(page(made))
    shown = EVIL.replace("\u202e", "\ufffd")
    assert not html.all("script") and len(html.all("img")) == 6
    assert html.all("h1")[0].text == shown and html.all("title")[0].text.startswith(shown)
    assert [row[0] for row in table_rows(section(html, "Camera by camera"))[1:]] == [f"{shown}1", f"{shown}0"]
    assert f"{shown} = {shown}" in html.all("header")[0].text


def test_nothing_comes_from_outside():
    data = page(report(DIPPING, borders=(3,), judged=2))
    html = parsed(data)
    assert not html.all("script") and not html.all("link") and not html.all("iframe")
    assert all((image.attributes["src"] or "").startswith("data:image/jpeg;base64,") for image in html.all("img"))
    text = data.decode()
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#error-scale)", re.sub(r"base64,[^\"]*", "", text))
    (policy,) = [m for m in html.all("meta") if m.attributes.get("http-equiv") == "Content-Security-Policy"]
    assert (policy.attributes["content"] or "").startswith("default-src 'none'; img-src data:;")
    assert "prefers-color-scheme: dark" in text


def test_pictures_are_few():
    many = {f"cam{number:02d}": camera([20.0 + number / 10]) for number in range(46)}
    part = section(parsed(page(report(many))), "Pictures")
    assert len(part.all("figure")) == 12 and len(part.all("img")) == 36
    names = [caption.all("b")[0].text for caption in part.all("figcaption")]
    assert names[0] == "cam00" and names[-1] == "cam45" and "cam23" in names
    assert [title.text for title in part.all("h3")] == ["The worst", "In the middle", "The best"]


def test_the_same_report_is_the_same_page():
    assert page(report(DIPPING, judged=2)) == page(report(dict(reversed(DIPPING.items())), judged=2)).replace(
        b"cam01 and cam00", b"cam00 and cam01"
    )


def test_units():
    assert [bits(v) for v in (0, 812.4, 999.999, 1000, 9995, 81_234, 8_123_456, 2e9)] == (
        ["0 bit", "812 bit", "1.00 kbit", "1.00 kbit", "10.0 kbit", "81.2 kbit", "8.12 Mbit", "2.00 Gbit"]
    )
    assert size(1_234_567) == "1.23 MB"
