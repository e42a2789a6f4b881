"""The dispatcher: what it lists, that it stays light, and how every failure becomes one line and an exit code."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from encoder import cli

HEAVY = ("torch", "numba", "av", "pyvista", "moderngl", "open3d", "rich")

PROBE = """
import errno, sys
from protocol.errors import RigError, UsageError

HELP = "raises what it is told to"
EXAMPLES = "  lfv probe rig"

def add_arguments(parser):
    parser.add_argument("failure")
    parser.add_argument("--verbosely", action="store_true")

def run(args):
    if args.failure == "none":
        print("verbosity", args.verbose)
        return 3
    if args.failure == "pipe":
        for _ in range(100000):
            print("a line that nobody reads")
        return 0
    raise {
        "rig": RigError("rig/: no calibration; put a models.json there"),
        "usage": UsageError("--scale 0 is no size; give more"),
        "interrupt": KeyboardInterrupt(),
        "full": OSError(errno.ENOSPC, "No space left on device", "show.lfv.partial"),
        "denied": PermissionError(errno.EACCES, "Permission denied", "show.lfv"),
        "extra": ModuleNotFoundError("No module named 'torch'", name="torch"),
        "submodule": ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn"),
        "library": ImportError("libGL.so.1: cannot open shared object file: No such file or directory"),
        "bug": ModuleNotFoundError("No module named 'protocol.gone'", name="protocol.gone"),
        "wrong": ZeroDivisionError("a fault of the program"),
    }[args.failure]
"""


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command `probe`, a real module beside the others."""
    (tmp_path / "lfv_probe_command.py").write_text(PROBE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lfv_probe_command", raising=False)
    monkeypatch.setitem(cli.COMMANDS, "probe", cli.Command("lfv_probe_command", "encoder", "fails"))


@pytest.mark.parametrize(
    ("failure", "code", "line"),
    [
        ("rig", 1, "lfv: error: rig/: no calibration; put a models.json there"),
        ("usage", 2, "lfv: error: --scale 0 is no size; give more"),
        ("interrupt", 130, "interrupted; run the same command again to go on"),
        (
            "full",
            1,
            "lfv: error: show.lfv.partial: no space left on the device; free some and run the same command again",
        ),
        ("denied", 1, "lfv: error: show.lfv: permission denied"),
        ("extra", 1, "lfv: error: 'probe' needs the package torch; pip install 'lfv[encoder]'"),
        ("submodule", 1, "lfv: error: 'probe' needs the package torch; pip install 'lfv[encoder]'"),
        ("library", 1, "lfv: error: the system library libGL.so.1 is missing; apt-get install libegl1"),
    ],
)
@pytest.mark.usefixtures("probe")
def test_failures_are_one_line_and_an_exit_code(
    failure: str, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["probe", failure]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(line)
    assert err.count("\n") == 1


@pytest.mark.parametrize(("failure", "kind"), [("bug", ModuleNotFoundError), ("wrong", ZeroDivisionError)])
@pytest.mark.usefixtures("probe")
def test_faults_of_the_program_keep_their_traceback(failure: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        cli.main(["probe", failure])


@pytest.mark.parametrize(("arguments", "verbosity"), [([], 0), (["-v"], 1), (["-vv"], 2)])
@pytest.mark.usefixtures("probe")
def test_the_exit_code_and_verbosity_pass_through(
    arguments: list[str], verbosity: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for argv in ([*arguments, "probe", "none"], ["probe", "none", *arguments]):
        assert cli.main(argv) == 3
        assert capsys.readouterr().out == f"verbosity {verbosity}\n"


@pytest.mark.usefixtures("probe")
def test_help_of_a_command_shows_its_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["probe", "--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert "usage: lfv probe" in out
    assert "examples:\n  lfv probe rig" in out


@pytest.mark.usefixtures("probe")
@pytest.mark.parametrize("argv", [[], ["paint"], ["--no-such-option"], ["probe", "--no-such-option"], ["probe"]])
def test_usage_errors_are_one_line_and_exit_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(argv)
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("lfv") and said.endswith(" --help\n") and said.count("\n") == 1


def test_help_loads_nothing_heavy(repository: Path) -> None:
    program = f"""
import sys
from encoder import cli
try:
    cli.main(["--help"])
except SystemExit as stop:
    assert stop.code == 0
heavy = [name for name in {HEAVY} if name in sys.modules]
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name, command in cli.COMMANDS.items():
        assert f"  {name:<10}{command.help}" in done.stdout


def test_a_reader_that_leaves_is_no_error(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "lfv_probe_command.py").write_text(PROBE)
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from encoder import cli
cli.COMMANDS["probe"] = cli.Command("lfv_probe_command", "encoder", "fails")
sys.exit(cli.main(["probe", "pipe"]))
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=repository, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == cli.BROKEN_PIPE


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_listed_command_exists(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(cli.COMMANDS[name].module)
    assert module.HELP and module.EXAMPLES
    with pytest.raises(SystemExit) as stop:
        cli.main([name, "--help"])
    assert stop.value.code == 0
    assert f"lfv {name}" in capsys.readouterr().out


def test_encode_is_lfv_encode(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main_encode(["--help"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("usage: encode ")
