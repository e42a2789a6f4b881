"""What a web server's answer to a range request means."""

from __future__ import annotations

import pytest

from player.source.address import parse_address
from player.source.http_answer import Answer, Copy, check_first, check_range, moved_to, refusal
from protocol.errors import StreamError

ADDRESS = parse_address("http://h:81/dir/steak.lfv?token=hidden")
KNOWN = Copy(1000, '"tag"', None)


def answer(status: int = 206, where: str | None = "bytes 0-99/1000", **headers: str) -> Answer:
    found = {name.replace("_", "-"): value for name, value in headers.items()}
    if where is not None:
        found["content-range"] = where
    return Answer(status, found)


def test_the_first_answer_tells_how_much_there_is() -> None:
    assert check_first(ADDRESS, answer(etag='"a"'), length=100) == (100, Copy(1000, '"a"', None))
    assert check_first(ADDRESS, answer(where="bytes 0-9/10"), length=100) == (10, Copy(10, None, None))


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (answer(200, None), "ignores byte ranges; serve the show with nginx"),
        (answer(where=None), "does not say which bytes"),
        (answer(where="bytes 0-99/*"), "does not say which bytes"),
        (answer(where="bytes */1000"), "does not say which bytes"),
        (answer(where="items 0-99/1000"), "does not say which bytes"),
        (answer(where=f"bytes 0-99/{'9' * 5000}"), "does not say which bytes"),
        (answer(where="bytes 0-99/99"), "answers bytes 0 to 99 of 99"),
        (answer(where="bytes 1-99/1000"), "answers bytes 1 to 99"),
        (answer(where="bytes 9-0/1000"), "answers bytes 9 to 0"),
        (answer(where="bytes 0-49/1000"), "answers bytes 0 to 49"),
        (answer(content_length="99"), "contradicts itself"),
        (answer(content_encoding="gzip"), "packs the show's bytes"),
        (answer(204, None), "does not give the show (HTTP 204)"),
    ],
)
def test_what_is_no_range_is_refused_for_good(bad: Answer, says: str) -> None:
    with pytest.raises(StreamError) as raised:
        check_first(ADDRESS, bad, length=100)
    assert says in str(raised.value) and "http://h:81/dir/steak.lfv" in str(raised.value)
    assert raised.value.code == "capability"
    assert "hidden" not in str(raised.value)


def test_later_answers_bring_the_same_copy() -> None:
    check_range(ADDRESS, answer(where="bytes 200-299/1000", etag='"tag"'), KNOWN, start=200, length=100)


@pytest.mark.parametrize(
    "changed",
    [
        answer(where="bytes 200-299/1001", etag='"tag"'),
        answer(where="bytes 200-299/1000", etag='"new"'),
        answer(200, None, etag='"new"', content_length="1000"),
        answer(200, None, etag='"tag"', content_length="7"),
        answer(416, "bytes */50"),
        answer(412, None),
        answer(302, None, location="/other.lfv"),
    ],
)
def test_another_copy_is_noticed_and_may_be_tried_again(changed: Answer) -> None:
    with pytest.raises(StreamError, match="has changed on the server; open it again") as raised:
        check_range(ADDRESS, changed, KNOWN, start=200, length=100)
    assert raised.value.code == ""


def test_a_server_that_ignores_only_later_ranges_is_refused_for_good() -> None:
    with pytest.raises(StreamError, match="ignores byte ranges") as raised:
        check_range(ADDRESS, answer(200, None, etag='"tag"', content_length="1000"), KNOWN, start=200, length=100)
    assert raised.value.code == "capability"


def test_copies_without_tags_are_told_apart_by_their_dates() -> None:
    assert Copy(5, None, "Mon").is_same(Copy(5, None, "Mon"))
    assert not Copy(5, None, "Mon").is_same(Copy(5, None, "Tue"))
    assert Copy(5, '"a"', "Mon").is_same(Copy(5, '"a"', "Tue"))
    assert not Copy(5, '"a"', "Mon").is_same(Copy(6, '"a"', "Mon"))


def test_only_a_strong_tag_makes_a_condition() -> None:
    assert Copy(5, '"a"', None).condition == '"a"'
    assert Copy(5, 'W/"a"', None).condition is None
    assert Copy(5, None, "Mon").condition is None


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "token"),
        (403, "token"),
        (404, "show"),
        (410, "show"),
        (409, "capability"),
        (416, "show"),
        (418, "capability"),
    ],
)
def test_refusals_are_for_good(status: int, code: str) -> None:
    assert refusal(ADDRESS, Answer(status, {})).code == code


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_passing_trouble_may_be_tried_again(status: int) -> None:
    assert refusal(ADDRESS, Answer(status, {})).code == ""


def test_the_servers_words_are_repeated_without_what_terminals_obey() -> None:
    said = refusal(ADDRESS, Answer(404, {"content-type": "text/plain; charset=utf-8"}), b"no \x1b[31mshow\nmore")
    assert str(said).endswith("(HTTP 404: no ?[31mshow)")
    assert str(refusal(ADDRESS, Answer(404, {"content-type": "text/html"}), b"<html>")).endswith("(HTTP 404)")


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("/other.lfv", "http://h:81/other.lfv"),
        ("near.lfv?x=1", "http://h:81/dir/near.lfv"),
        ("https://cdn/x.lfv", "https://cdn/x.lfv"),
    ],
)
def test_redirects_lead_on(location: str, leads_to: str) -> None:
    moved = moved_to(ADDRESS, Answer(302, {"location": location}))
    assert moved is not None and moved.text == leads_to


@pytest.mark.parametrize(
    "location", ["ftp://h/x.lfv", "ws://h/x.lfv", "http://user:p@h/x.lfv", "http://h/", "http://[", "/a\x00b"]
)
def test_redirects_to_nowhere_are_refused(location: str) -> None:
    with pytest.raises(StreamError, match="sends players to") as raised:
        moved_to(ADDRESS, Answer(302, {"location": location}))
    assert raised.value.code == "capability"


def test_no_redirect_leads_away_from_tls() -> None:
    with pytest.raises(StreamError, match="away from TLS"):
        moved_to(parse_address("https://h/x.lfv"), Answer(301, {"location": "http://h/x.lfv"}))


def test_what_is_no_redirect_stays() -> None:
    assert moved_to(ADDRESS, Answer(206, {"location": "/x.lfv"})) is None
    assert moved_to(ADDRESS, Answer(302, {})) is None
