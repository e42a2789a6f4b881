"""How the show behaves in time."""

from __future__ import annotations

from encoder.evaluation import temporal
from encoder.report.axis import round_axis, whole_axis
from encoder.report.bars import legend
from encoder.report.line_chart import Series, line_chart
from encoder.report.markup import Markup, element, table
from encoder.report.report import Report, worst_first
from encoder.steadiness import AWAY, MOST_DIP_DB, MOST_RATIO, MOST_STEP, Steadiness

_LEAST_SPAN_DB = 1.0


def steady_section(report: Report) -> Markup:
    """PSNR over time, noise of what stands still, dips at borders; of stills one sentence."""
    title = element("h2", "Steadiness over time")
    if report.manifest.frame_count == 1:
        return element("section", title, element("p", "A still has one frame: there is no time to be steady over."))
    steady = temporal(report.evaluation)
    if steady is None:
        why = "The views do not follow each other frame by frame; against the cameras of a rig this would be measured."
        return element("section", title, element("p", why))
    return element(
        "section",
        title,
        element("p", "PSNR of every frame; thin vertical lines are borders between groups of pictures (GOPs)."),
        *_chart(report, steady),
        table(["Figure", "Value", "Bar", "What it is"], _rows(steady), class_="figures words"),
    )


def _chart(report: Report, steady: Steadiness) -> list[Markup]:
    mean = Series(tuple(zip(map(float, steady.frames), steady.psnr, strict=True)))
    curves, names = [mean], ["Mean of all cameras"]
    cameras = worst_first(report.evaluation)
    if len(cameras) > 1:
        name, figures = cameras[0]
        curves.insert(0, Series(tuple(zip(map(float, figures.frames), figures.psnr, strict=True)), style="second"))
        names.append(f"Worst camera, {name}")
    heights = [value for curve in curves for _, value in curve.points]
    chart = line_chart(
        curves,
        x=whole_axis("Frame", steady.frames[0], steady.frames[-1]),
        y=round_axis("PSNR, dB", min(heights), max(heights), least=_LEAST_SPAN_DB),
        title="PSNR of every frame",
        borders=[at - 0.5 for at in report.evaluation.borders if steady.frames[0] < at <= steady.frames[-1]],
    )
    return [legend(names, ["first", "second"][: len(names)]), chart]


def _rows(steady: Steadiness) -> list[list[str]]:
    dips = "no group of pictures has frames away from its borders" if steady.borders else "there are no borders"
    return [
        [
            "Noise of still pixels, footage",
            _or_dash(steady.truth_rms, "levels"),
            "",
            "Root mean square change from frame to frame, levels of 255, where the footage changes by no more than "
            "its noise explains.",
        ],
        [
            "Noise of still pixels, show",
            _or_dash(steady.show_rms, "levels"),
            f"at most {MOST_STEP:g} levels where the footage has none",
            "The same pixels in the show.",
        ],
        [
            "Ratio of their variances",
            _or_dash(steady.variance_ratio, ""),
            f"at most {MOST_RATIO:g}",
            "Show to footage. Below 1 the show is calmer than the footage."
            if steady.variance_ratio is not None
            else "Not measurable: nothing stands still in the footage, or it has no noise at all.",
        ],
        [
            "The same in still regions",
            _or_dash(steady.away_ratio, ""),
            f"at most {MOST_RATIO:g}",
            f"Of still pixels at least {AWAY:.0%} of the picture's height away from all that moves.",
        ],
        [
            "Change of still regions inside GOPs",
            _or_dash(steady.inside_rms, "levels"),
            "",
            "Root mean square change from frame to frame, in the show.",
        ],
        [
            "Change of still regions at GOP borders",
            _or_dash(steady.across_rms, "levels"),
            f"at most the footage's noise, or {MOST_STEP:g} levels",
            "The same from the last frame of one group to the first of the next. Much above the line before, the "
            "picture blinks once a group.",
        ],
        [
            "Mean dip at GOP borders",
            _or_dash(steady.border_dip_db, "dB"),
            f"at most {MOST_DIP_DB:g} dB",
            "PSNR inside the two groups less that of the two frames at their border; below 0 borders are better."
            if steady.border_dip_db is not None
            else f"Not measurable: {dips}.",
        ],
        [
            "Deepest dip",
            _or_dash(steady.border_dip_most_db, "dB"),
            "",
            f"Of {steady.borders} borders, mean of all cameras.",
        ],
    ]


def _or_dash(value: float | None, unit: str) -> str:
    return "\u2013" if value is None else f"{value:.2f} {unit}".strip()
