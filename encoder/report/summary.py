"""The main figures and what they mean, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from encoder.evaluation import Evaluation, mean_of, temporal
from encoder.report.markup import Markup, element
from encoder.report.report import Report, worst_first
from encoder.report.units import bits
from encoder.steadiness import MOST_DIP_DB, MOST_RATIO, MOST_STEP, Steadiness

_FEW = 3  # names that a sentence holds
_VERDICTS = {"met": "within the bar", "missed": "misses the bar"}


@dataclass(frozen=True)
class Headline:
    """A figure in large type; `verdict` is met, missed or empty."""

    name: str
    value: str
    meaning: str
    verdict: str = ""


def summary(report: Report) -> Markup:
    """What was compared, and a tile for each main figure."""
    tiles = [
        element(
            "div",
            element("dt", one.name),
            element("dd", one.value, class_="value"),
            *([element("dd", _VERDICTS[one.verdict], class_="verdict")] if one.verdict else []),
            element("dd", one.meaning, class_="meaning"),
            class_=f"tile {one.verdict}".strip(),
        )
        for one in headlines(report)
    ]
    return element(
        "section",
        element("h2", "Summary"),
        element("p", _compared(report)),
        element("dl", *tiles, class_="tiles"),
    )


def headlines(report: Report) -> Iterator[Headline]:
    """The main figures of the first rung."""
    evaluation = report.evaluation
    yield from _likeness(evaluation)
    yield from _rate(report)
    steady = temporal(evaluation)
    if steady is None:
        return
    yield from _flicker(steady)
    if steady.border_dip_db is not None:
        yield Headline(
            "Dip at GOP borders",
            f"{steady.border_dip_db:.2f} dB",
            "How much PSNR is lost where one group of pictures ends and the next begins. The bar is "
            f"{MOST_DIP_DB:g} dB at most.",
            _verdict(steady.border_dip_db <= MOST_DIP_DB),
        )


def _flicker(steady: Steadiness) -> Iterator[Headline]:
    if steady.steady is None or steady.show_rms is None:
        return
    if steady.variance_ratio is not None:
        yield Headline(
            "Flicker, show to footage",
            f"{steady.variance_ratio:.2f}",
            "How much parts that stand still change over time in the show, against the footage's own noise (ratio of "
            f"variances). The bar is {MOST_RATIO:g} at most, or {MOST_STEP:g} levels.",
            _verdict(steady.steady),
        )
    else:
        yield Headline(
            "Flicker",
            f"{steady.show_rms:.2f} levels",
            "How much parts that stand quite still in the footage change over time in the show (root mean square). The "
            f"bar is {MOST_STEP:g} levels at most.",
            _verdict(steady.steady),
        )
    if steady.across_rms is not None and steady.seamless is not None:
        yield Headline(
            "Step at GOP borders",
            f"{steady.across_rms:.2f} levels",
            "How much still regions change where one group of pictures ends and the next begins (root mean square). "
            f"The bar is the footage's own noise, or {MOST_STEP:g} levels.",
            _verdict(steady.seamless),
        )


def _likeness(evaluation: Evaluation) -> Iterator[Headline]:
    psnr, ssim, lpips = (mean_of(evaluation, key) for key in ("psnr", "ssim", "lpips"))
    if psnr is not None:
        levels = 255 * 10 ** (-psnr / 20)
        yield Headline(
            "PSNR, mean",
            f"{psnr:.2f} dB",
            f"How close colours are to the real ones: pixels are off by about {levels:.1f} of 255 levels (root mean "
            "square). 6 dB more is half of the error.",
        )
    if ssim is not None:
        yield Headline(
            "SSIM, mean",
            f"{ssim:.4f}",
            "How well edges and texture are kept. 1 is the same picture; 0 has nothing of it.",
        )
    if lpips is not None:
        yield Headline(
            "LPIPS, mean", f"{lpips:.4f}", "How different pictures look to a trained network. 0 is the same."
        )
    name, figures = worst_first(evaluation)[0]
    if len(evaluation.cameras) > 1:
        yield Headline("Worst camera", f"{np.mean(figures.psnr):.2f} dB", f"{name}: no other has a lower mean PSNR.")


def _rate(report: Report) -> Iterator[Headline]:
    evaluation = report.evaluation
    what = f"rung {report.rungs[0].rung.name}" if len(report.manifest.rungs) > 1 else "the show"
    yield Headline("Bits per frame", bits(evaluation.bits_per_frame), f"Mean size of a frame of {what}, all kinds.")
    if not report.still:
        rate = f"{bits(evaluation.bits_per_second)}/s"
        yield Headline("Rate", rate, f"What the network has to carry on average while {what} plays.")


def _verdict(within: bool) -> str:
    return "met" if within else "missed"


def _compared(report: Report) -> str:
    cameras = report.evaluation.cameras
    frames = sum(len(figures.frames) for figures in cameras.values())
    kinds = {figures.held_out for figures in cameras.values()}
    rung = f" Unless said otherwise, figures are of rung {report.rungs[0].rung.name}."
    return (
        f"The show was rendered through the lenses of {_listed(list(cameras), kinds)} and compared with what was "
        f"really seen there: {frames} picture{'s' if frames > 1 else ''} in all. {_honesty(kinds)}"
        + (rung if len(report.manifest.rungs) > 1 else "")
    )


def _listed(names: list[str], kinds: set[bool | None]) -> str:
    if len(names) == 1:
        return names[0]
    if len(names) <= _FEW:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{len(names)} {'views' if kinds == {None} else 'cameras'}"


def _honesty(kinds: set[bool | None]) -> str:
    if kinds == {True}:
        return "The encoder never saw this footage, so the figures are those of new viewpoints."
    if kinds == {None}:
        return "These are views of no rig camera, which the encoder never saw."
    if kinds == {False}:
        return (
            "The encoder made the show from this very footage, so new viewpoints will look less good than the figures."
        )
    return "Some cameras were held out, which the encoder never saw; for the others the figures flatter."
