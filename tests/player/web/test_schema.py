"""The browser player's limits and messages are those of Python."""

from __future__ import annotations

from player.web.schema import SCHEMA, main, schema_text


def test_the_committed_schema_is_what_would_be_written() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), "run python -m player.web.schema"
    assert main(["--check"]) == 0


def test_it_names_what_players_rely_on() -> None:
    text = schema_text()
    assert "export const MAX_CREDIT_BYTES = 67108864;" in text
    assert '  subscribe: [["generation", "integer"], ["time", "time"], ["rung", "integer"]],' in text
    assert 'export const PASSING_CODES = ["timeout", "busy", "storage"] as const;' in text
