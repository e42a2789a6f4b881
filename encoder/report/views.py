"""Camera by camera: figures, and pictures."""

from __future__ import annotations

from base64 import b64encode

import numpy as np

from encoder.evaluation import CameraFigures, mean_of
from encoder.report.axis import round_axis
from encoder.report.bars import dot
from encoder.report.error_map import scale_legend
from encoder.report.markup import Markup, element, table
from encoder.report.pictures import MOST_SHOWN, Shown, chosen
from encoder.report.report import Report, seen_as, worst_first

_LEAST_SPAN_DB = 2.0  # of the scale of dots, so that near equals look like it


def camera_table(report: Report) -> Markup:
    """A row for each camera, the worst first."""
    ordered = worst_first(report.evaluation)
    means = [float(np.mean(figures.psnr)) for _, figures in ordered]
    axis = round_axis("PSNR", means[0], means[-1], least=_LEAST_SPAN_DB)
    lpips = mean_of(report.evaluation, "lpips") is not None
    heads = [
        "Camera",
        "To the encoder",
        "Frames",
        "PSNR, dB",
        f"{axis.text(axis.low)} to {axis.text(axis.high)} dB",
        "SSIM",
    ]
    rows = []
    for (name, figures), psnr in zip(ordered, means, strict=True):
        row = [name, seen_as(figures.held_out), str(len(figures.psnr)), f"{psnr:.2f}", dot(axis, psnr)]
        row.append(f"{np.mean(figures.ssim):.4f}")
        rows.append([*row, *([f"{np.mean(figures.lpips):.4f}"] if lpips else []), _worst_frame(figures)])
    return element(
        "section",
        element("h2", "Camera by camera"),
        element("p", "Means over the frames, the worst camera first."),
        table([*heads, *(["LPIPS"] if lpips else []), "Worst frame"], rows, class_="figures"),
    )


def picture_section(report: Report) -> Markup:
    """Truth, render and error map of some cameras' worst frames."""
    ordered = worst_first(report.evaluation)
    groups = chosen([name for name, _ in ordered])
    which = "Each camera is" if len(groups) == 1 else f"Of {len(ordered)} cameras {MOST_SHOWN} are"
    parts: list[Markup] = []
    for title, names in groups.items():
        parts += [element("h3", title)] if title else []
        parts += [_shown(report, report.pictures[name]) for name in names]
    return element(
        "section",
        element("h2", "Pictures"),
        element("p", f"{which} shown at the frame that came out worst."),
        scale_legend(),
        *parts,
    )


def _worst_frame(figures: CameraFigures) -> str:
    worst = int(np.argmin(figures.psnr))
    return f"{figures.frames[worst]} ({figures.psnr[worst]:.2f} dB)"


def _shown(report: Report, shown: Shown) -> Markup:
    figures = report.evaluation.cameras[shown.name]
    triple = [
        element("div", element("img", src=_data_uri(data), alt=f"{what}, {shown.name}"), element("p", what))
        for what, data in (("Footage", shown.truth), ("Show", shown.render), ("Error", shown.error))
    ]
    caption = f", {seen_as(figures.held_out)}; frame {shown.frame}: {shown.psnr:.2f} dB"
    return element(
        "figure",
        element("figcaption", element("b", shown.name), caption),
        element("div", *triple, class_="triple"),
    )


def _data_uri(data: bytes) -> str:
    return f"data:image/jpeg;base64,{b64encode(data).decode('ascii')}"
