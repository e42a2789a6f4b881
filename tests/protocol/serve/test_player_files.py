"""Where the browser's player is looked for."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from protocol.serve import player_files
from protocol.serve.player_files import player_folder, read_script


def test_built_half_built_and_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = ModuleSpec("player", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    found: list[ModuleSpec | None] = [spec]
    monkeypatch.setattr(player_files, "find_spec", lambda name: found[0] if name == "player" else None)
    assert player_folder() is None and read_script() is None
    dist = tmp_path / "web" / "dist"
    dist.mkdir(parents=True)
    (dist / "lfv-player.js").write_bytes(b"1")
    assert player_folder() is None
    (dist / "index.html").write_bytes(b"2")
    script = read_script()
    assert player_folder() == dist and script is not None and script.plain == b"1"
    found[0] = None
    assert player_folder() is None


def test_the_package_is_found() -> None:
    """As it is installed here; the tests of browsers say whether it is built."""
    spec = player_files.find_spec("player")
    assert spec is not None and spec.submodule_search_locations
