"""Ranges: every single one gives the file's bytes, all else the whole file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.serve.ranges import ByteRange, holds, range_applies, requested_range
from tests.protocol.serve.running import get, running

ETAG = '"0123-ff"'


@pytest.mark.parametrize(
    ("value", "start", "length"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, 100),
        ("bytes=99-", 99, 1),
        ("bytes=10-19", 10, 10),
        ("bytes=90-200", 90, 10),
        ("bytes=-1", 99, 1),
        ("bytes=-100", 0, 100),
        ("bytes=-1000", 0, 100),
        ("BYTES = 1-2 ", 1, 2),
        ("bytes=0-" + "9" * 6000, 0, 100),
    ],
)
def test_single_range(value: str, start: int, length: int) -> None:
    assert requested_range(value, size=100) == ByteRange(start, length)


@pytest.mark.parametrize("value", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=" + "9" * 6000 + "-"])
def test_range_behind_the_end(value: str) -> None:
    found = requested_range(value, size=100)
    assert found is not None and found.length == 0
    assert found.content_range(100) == "bytes */100"


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-4",
        "bytes=a-b",
        "bytes=0-1,5-6",
        "bytes=--5",
        "items=0-1",
        "bytes=٣-",
    ],
)
def test_all_else_is_the_whole(value: str | None) -> None:
    assert requested_range(value, size=100) is None


@given(st.integers(1, 1 << 44), st.integers(0, 1 << 45), st.integers(0, 1 << 45))
def test_range_is_python_slice(size: int, first: int, last: int) -> None:
    found = requested_range(f"bytes={first}-{last}", size=size)
    if last < first:
        assert found is None
        return
    assert found is not None
    whole = range(size)
    assert range(found.start, found.start + found.length) == whole[first : last + 1] or found.length == 0
    assert found.length == len(whole[first : last + 1])


@pytest.mark.parametrize(
    ("value", "expected"),
    [(ETAG, True), (f'"a", W/{ETAG}', True), ("*", True), ('"other"', False), ("0123-ff", False), (None, False)],
)
def test_list_of_tags(value: str | None, expected: bool) -> None:
    assert holds(value, ETAG) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, True), (ETAG, True), (f"W/{ETAG}", False), ('"x"', False), ("Sat, 29 Oct 1994 19:43:31 GMT", False)],
)
def test_if_range(value: str | None, expected: bool) -> None:
    assert range_applies(value, ETAG) is expected


def test_served_ranges_are_the_files_bytes(show: Path) -> None:
    data = show.read_bytes()
    edge = st.one_of(st.integers(0, len(data) + 10), st.sampled_from([0, 1, len(data) - 1, len(data), 4096]))
    with running(show) as server:
        http = server.http()

        @given(edge, st.one_of(st.none(), edge), st.booleans())
        def check(first: int, last: int | None, suffix: bool) -> None:
            value = f"bytes=-{first}" if suffix else f"bytes={first}-{'' if last is None else last}"
            response, body = get(http, "/tiny.lfv", {"Range": value})
            wanted = slice(first, None if last is None else last + 1)
            expected = data[max(0, len(data) - first) :] if suffix else data[wanted]
            if not suffix and last is not None and last < first:
                assert response.status == 200 and body == data
            elif expected:
                start = len(data) - len(expected) if suffix else first
                assert response.status == 206 and body == expected
                assert response.headers["Content-Range"] == f"bytes {start}-{start + len(body) - 1}/{len(data)}"
            else:
                assert response.status == 416
                assert response.headers["Content-Range"] == f"bytes */{len(data)}"
            assert response.headers["Content-Length"] == str(len(body))
            assert "Transfer-Encoding" not in response.headers

        check()
        http.close()


def test_large_range(big_show: Path) -> None:
    data = big_show.read_bytes()
    with running(big_show) as server:
        http = server.http()
        response, body = get(http, "/big.lfv", {"Range": f"bytes=5000-{len(data) - 7}"})
        assert response.status == 206
        assert body == data[5000:-6]
        response, body = get(http, "/big.lfv")
        assert response.status == 200
        assert body == data
        http.close()
