"""HTML and SVG as nested elements. What is no `Markup` is escaped, so no name can become part of the page's code."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable

_VOID = frozenset({"meta", "img"})
_REPLACEMENT = "\ufffd"
# Marks that would turn round what stands behind them (Unicode Standard Annex 9).
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def escaped(text: str) -> Markup:
    """Text -> HTML that shows it, also between quotes; what cannot be shown becomes U+FFFD."""
    if isinstance(text, Markup):
        return text
    shown = "".join(_REPLACEMENT if unicodedata.category(c) in ("Cc", "Cs") or c in _TURNING else c for c in text)
    return Markup(html.escape(shown, quote=True))


def element(tag: str, /, *children: str, **attributes: str | float) -> Markup:
    """<tag attributes>children</tag>.

    An underscore at an attribute's end goes (`class_`), others become hyphens; numbers have two decimals at most.
    """
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value if isinstance(value, str) else number(value))}"'
        for key, value in attributes.items()
    )
    end = "" if tag in _VOID else f"</{tag}>"
    return Markup(f"<{tag}{pairs}>{joined(children)}{end}")


def joined(parts: Iterable[str]) -> Markup:
    """One after another."""
    return Markup("".join(escaped(part) for part in parts))


def number(value: float) -> str:
    """At most two decimals, none that say nothing."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def shortened(text: str, most: int) -> str:
    """At most so many characters, an ellipsis the last where some are left out."""
    return text if len(text) <= most else text[: most - 1] + "\u2026"


def table(heads: Iterable[str], rows: Iterable[Iterable[str]], *, class_: str = "") -> Markup:
    """A table that scrolls by itself where it is too wide. The first cell of each row is its head."""
    body = []
    for row in rows:
        first, *others = row
        body.append(element("tr", element("th", first, scope="row"), *(element("td", cell) for cell in others)))
    head = element("thead", element("tr", *(element("th", text, scope="col") for text in heads)))
    return element("div", element("table", head, element("tbody", *body), class_=class_), class_="wide")
