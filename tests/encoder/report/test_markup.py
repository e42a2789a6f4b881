"""Whatever a text holds, it is shown and not run."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from encoder.report.markup import Markup, element, escaped, number, shortened, table


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_elements_nest():
    assert element("p", "a < b & ", element("b", "c"), class_="x y") == '<p class="x y">a &lt; b &amp; <b>c</b></p>'
    assert element("img", src="data:,", alt='"') == '<img src="data:," alt="&quot;">'
    assert element("meta", name="n", http_equiv="e") == '<meta name="n" http-equiv="e">'
    assert element("rect", x=1.0, y=2.345, width=1 / 3, stroke_width=0) == (
        '<rect x="1" y="2.35" width="0.33" stroke-width="0"></rect>'
    )


@given(st.text())
def test_no_text_becomes_code(text):
    seen = _Seen()
    seen.feed(element("p", text, title=text))
    seen.close()
    ((tag, attributes),) = seen.tags
    assert tag == "p" and [name for name, _ in attributes] == ["title"]
    assert seen.text == attributes[0][1]
    element("p", text).encode()


def test_what_cannot_be_shown_is_replaced():
    assert escaped("a\0b\x1bc\ud800d\u202ee") == "a\ufffdb\ufffdc\ufffdd\ufffde"
    assert escaped("größer 東京 \u200d") == "größer 東京 \u200d"
    assert escaped(Markup("<b>")) == "<b>"


def test_numbers_are_short():
    assert [number(v) for v in (0, -0.001, 1.5, 2.0, 100, 1 / 3)] == ["0", "0", "1.5", "2", "100", "0.33"]
    assert shortened("abc", 3) == "abc" and shortened("abcd", 3) == "ab\u2026"


def test_a_table_has_heads():
    html = table(["a", "b"], [["1", "<"]], class_="t")
    assert html == (
        '<div class="wide"><table class="t"><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>'
        '<tbody><tr><th scope="row">1</th><td>&lt;</td></tr></tbody></table></div>'
    )
