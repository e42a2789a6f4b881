"""A report with made-up figures, and the page of a report as its texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from html.parser import HTMLParser

from encoder.evaluation import CameraFigures, Evaluation
from encoder.judged import JudgedRung
from encoder.report.pictures import Shown
from encoder.report.report import Report
from encoder.sizes import Sizes
from protocol.manifest import Manifest
from tests.protocol import examples

JPEG = b"\xff\xd8\xff\xe0 a picture"
_VOID = {"meta", "img"}


def camera(psnr: list[float], *, held_out: bool | None = True, first: int = 0) -> CameraFigures:
    """Frames `first` and on with these PSNRs and an SSIM of 0.75; still pixels change twice as much as in the truth.

    There is one border.
    """
    frames, pairs = list(range(first, first + len(psnr))), len(psnr) - 1
    still, across = [(0.25, 1.0)] * pairs, [(0.25, 0.64)] * min(pairs, 1)
    inside = [(0.25, 0.36)] * (pairs - 1)
    return CameraFigures(held_out, frames, psnr, [0.75] * len(psnr), still=still, inside=inside, across=across)


def report(
    cameras: Mapping[str, CameraFigures],
    *,
    borders: tuple[int, ...] = (),
    manifest: Manifest | None = None,
    judged: int = 1,
) -> Report:
    """A show of one rung for each one judged, each worth half of the bits and 1 dB less than the one before."""
    manifest = manifest or examples.manifest(rungs=judged)
    rungs = []
    for number in range(judged):
        lower = {name: replace(f, psnr=[value - number for value in f.psnr]) for name, f in cameras.items()}
        evaluation = Evaluation(lower, (), borders, 800_000 / 2**number, 24_000_000 / 2**number)
        rungs.append(JudgedRung(manifest.rungs[number], evaluation, Sizes(6_000, 3_000, 900, 100)))
    return Report(
        manifest=manifest,
        file="show.lfv",
        file_bytes=1_234_567,
        chunks=len(borders) + 1,
        against="rig",
        rungs=tuple(rungs),
        pictures={name: Shown(name, f.frames[0], min(f.psnr), JPEG, JPEG, JPEG) for name, f in cameras.items()},
        made=date(2026, 3, 1),
        version="1.2.3",
    )


@dataclass
class Element:
    """An element of a page: what it is, and the texts inside, one after another."""

    tag: str
    attributes: dict[str, str | None]
    texts: list[str] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def all(self, tag: str, class_: str | None = None) -> list[Element]:
        """All elements of the tag inside, whose class is or begins with `class_`."""
        found = []
        for child in self.children:
            name = (child.attributes.get("class") or "").split()
            if child.tag == tag and (class_ is None or class_ in name):
                found.append(child)
            found += child.all(tag, class_)
        return found


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self._open[-1].children.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.texts.append(data)


def parsed(page: bytes) -> Element:
    """The page's elements; fails where they are not well nested."""
    parser = _Parser()
    parser.feed(page.decode())
    parser.close()
    assert len(parser._open) == 1
    return parser.root


def section(page: Element, title: str) -> Element:
    """The section with a heading."""
    (found,) = [one for one in page.all("section") if one.all("h2")[0].text == title]
    return found


def table_rows(element: Element) -> list[list[str]]:
    """The texts of all cells of the one table inside, its head first."""
    (table,) = element.all("table")
    return [[cell.text for cell in row.children] for row in table.all("tr")]


def tiles(page: Element) -> dict[str, str]:
    """The main figures by name."""
    return {tile.all("dt")[0].text: tile.all("dd", "value")[0].text for tile in page.all("div", "tile")}
