"""The whole page: one file that asks for nothing else."""

from __future__ import annotations

from encoder.report.facts import head
from encoder.report.markup import Markup, element
from encoder.report.rates import curve_section, kinds_section
from encoder.report.report import Report
from encoder.report.steady import steady_section
from encoder.report.style import STYLE
from encoder.report.summary import summary
from encoder.report.views import camera_table, picture_section

# A browser that obeys it fetches nothing and runs nothing, whatever a name might hold.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(report: Report) -> bytes:
    """A report -> HTML in UTF-8, the same bytes for the same report."""
    title = report.manifest.title or report.file
    html = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element("title", f"{title}: quality report"),
            element("style", Markup(STYLE)),
        ),
        element(
            "body",
            head(report),
            element(
                "main",
                summary(report),
                camera_table(report),
                steady_section(report),
                curve_section(report),
                kinds_section(report),
                picture_section(report),
            ),
        ),
        lang="en",
    )
    return f"<!DOCTYPE html>\n{html}\n".encode()
