"""Settings: all that changes the bytes is in the fingerprint, the manifest names what differs from the defaults."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from fractions import Fraction

import pytest

from encoder.commands import encode
from encoder.config import EncodeConfig, fingerprint_text, settings_of
from encoder.msi.solve import SolveConfig
from protocol.errors import UsageError

# A value of each field that is not its default.
OTHER = {
    "hold_out": ("cam00",),
    "scale": Fraction(1, 2),
    "start_s": Fraction(1),
    "frames": 3,
    "image_rate": Fraction(24),
    "geometry": "plane",
    "near": 0.5,
    "far": 20.0,
    "shells": 40,
    "most_shells": 32,
    "density": 300.0,
    "layers": 8,
    "least_weight": 0.1,
    "mesh_pixels": 1.0,
    "gop_s": Fraction(1, 2),
    "codec": "hevc",
    "quality": 30,
    "backend": "software",
    "ladder": True,
    "profile": "headset",
    "sound": "cam01",
    "memory": 1 << 30,
    "title": "a show",
    "solve": SolveConfig().with_steps(7),
}


@pytest.mark.parametrize("name", [field.name for field in fields(EncodeConfig)])
def test_every_field_changes_the_fingerprint_and_is_named(name: str) -> None:
    default, other = EncodeConfig(), replace(EncodeConfig(), **{name: OTHER[name]})
    # The title is in the manifest alone: it may change between two runs.
    assert (fingerprint_text(default) == fingerprint_text(other)) == (name == "title")
    found = settings_of(other)
    assert any(key == name or key.startswith(f"{name}.") for key in found) == (name != "title")
    assert all(isinstance(value, str) for value in found.values())


def test_defaults_are_not_repeated_but_the_solver_is_named() -> None:
    assert settings_of(EncodeConfig()) == {"solver": "descent"}


def test_equal_settings_have_one_fingerprint() -> None:
    assert fingerprint_text(EncodeConfig()) == fingerprint_text(EncodeConfig())
    assert fingerprint_text(EncodeConfig(scale=Fraction("0.5"))) == fingerprint_text(EncodeConfig(scale=Fraction(1, 2)))


def parsed(*options: str) -> EncodeConfig:
    parser = argparse.ArgumentParser()
    encode.add_arguments(parser)
    return encode.config_of(parser.parse_args(["rig", "--out", "show.lfv", *options]))


def test_the_command_line_says_what_it_means() -> None:
    assert parsed() == EncodeConfig() and parsed("--ladder") == EncodeConfig(ladder=True)
    config = parsed(*"--scale 0.5 --hold-out b --hold-out a --hold-out b --near 0.5 --gop 1/2".split())
    assert config.scale == Fraction(1, 2) and config.hold_out == ("b", "a")
    assert config.near == 0.5 and config.far is None and config.gop_s == Fraction(1, 2)
    config = parsed(*"--sound none --memory 1.5 --steps 9 --solver sweep --rate 30000/1001".split())
    assert config.sound is None and config.memory == 3 << 29 and config.image_rate == Fraction(30000, 1001)
    assert config.solve.refine.steps == config.solve.descent.steps == 9 and config.solve.solver == "sweep"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--near 3 --far 2", "--near"),
        ("--quality 99", "--quality"),
        ("--gop 5", "--gop"),
        ("--shells 1", "--shells"),
    ],
)
def test_settings_that_cannot_be_are_refused(options: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parsed(*options.split())


@pytest.mark.parametrize("options", ["--scale 0", "--scale 2", "--frames 0", "--near -1", "--layers 99", "--start -1"])
def test_values_out_of_range_end_the_command_line(options: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(*options.split())
    assert options.split()[0] in capsys.readouterr().err
