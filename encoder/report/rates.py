"""What the bits are spent on, and what more of them buy."""

from __future__ import annotations

from encoder.evaluation import mean_of
from encoder.judged import JudgedRung
from encoder.report.axis import round_axis
from encoder.report.bars import Bar, legend, stacked_bars
from encoder.report.line_chart import Series, line_chart
from encoder.report.markup import Markup, element, table
from encoder.report.report import Report
from encoder.report.units import bits

_KINDS = ("video", "geometry", "sound", "headers")
_LEAST_SPAN_DB = 1.0


def kinds_section(report: Report) -> Markup:
    """Bits per frame of each rung by kind, as bars and as a table."""
    per_frame = 8 / report.manifest.frame_count
    bars, rows = [], []
    for judged in report.rungs:
        parts = [getattr(judged.sizes, kind) for kind in _KINDS]
        total = judged.sizes.total
        bars.append(Bar(judged.rung.name, tuple(map(float, parts)), bits(total * per_frame)))
        cells = [f"{bits(part * per_frame)} ({part / total:.1%})" for part in parts]
        rate = [] if report.still else [f"{bits(judged.evaluation.bits_per_second)}/s"]
        rows.append([judged.rung.name, *cells, bits(total * per_frame), *rate])
    heads = ["Rung", *(kind.capitalize() for kind in _KINDS), "All, per frame", *([] if report.still else ["Rate"])]
    return element(
        "section",
        element("h2", "What the bits are spent on"),
        element(
            "p",
            "Bits per frame. Video holds colour and alpha in one picture, whose bits cannot be told apart. Headers are "
            "those of the chunks; the file's own manifest and index are read once and not counted.",
        ),
        legend([kind.capitalize() for kind in _KINDS], [f"kind{number}" for number in range(len(_KINDS))]),
        stacked_bars(bars, title="Bits per frame by kind"),
        table(heads, rows, class_="figures"),
    )


def curve_section(report: Report) -> Markup:
    """Quality over rate, a dot for each rung; one sentence where there is but one."""
    title = element("h2", "Quality against rate")
    if len(report.rungs) == 1:
        few = "The show has one rung, so there is no curve."
        alone = f"Only rung {report.rungs[0].rung.name} was judged; without --rung all are, and make a curve."
        return element("section", title, element("p", few if len(report.manifest.rungs) == 1 else alone))
    ordered = sorted(report.rungs, key=lambda judged: _rate(report, judged))
    points = tuple((_rate(report, judged), mean_of(judged.evaluation, "psnr") or 0.0) for judged in ordered)
    unit = "Mbit per frame" if report.still else "Mbit/s"
    chart = line_chart(
        [Series(points, labels=tuple(judged.rung.name for judged in ordered))],
        x=round_axis(unit, 0.0, points[-1][0], least=1e-6),
        y=round_axis("PSNR, dB", min(y for _, y in points), max(y for _, y in points), least=_LEAST_SPAN_DB),
        title="PSNR over rate",
    )
    rows = [
        [judged.rung.name, f"{rate:.3f}", f"{psnr:.2f}", f"{mean_of(judged.evaluation, 'ssim'):.4f}"]
        for judged, (rate, psnr) in zip(ordered, points, strict=True)
    ]
    return element(
        "section",
        title,
        element("p", "Every rung of the show, judged at the same pictures; higher is better, to the left is cheaper."),
        chart,
        table(["Rung", unit, "PSNR, dB", "SSIM"], rows, class_="figures"),
    )


def _rate(report: Report, judged: JudgedRung) -> float:
    """In Mbit per second, of stills per frame."""
    evaluation = judged.evaluation
    return (evaluation.bits_per_frame if report.still else evaluation.bits_per_second) / 1e6
