"""Running lfv as a crew does: in this process, where a warm program is wanted, or in one of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from encoder.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
# Few shells and layers, a coarse grid, no search for depth: an encode takes seconds.
QUICK = "--near 0.8 --far 10 --shells 10 --layers 5 --density 20 --solver sweep --gop 0.1".split()


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that says what is wrong; fails where there is none, more than one, or a traceback."""
        lines = self.err.splitlines()
        errors = [line for line in lines if line.startswith("lfv: error: ")]
        assert len(errors) == 1 and lines[-1] == errors[0], self.err
        assert "Traceback" not in self.err and not errors[0].startswith("lfv: error: ["), self.err
        return errors[0].removeprefix("lfv: error: ")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ran:
    """`lfv ARGUMENTS` in this process."""
    capsys.readouterr()
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return Ran(code, out, err)


def command(*arguments: object) -> list[str]:
    """The words of `lfv ARGUMENTS` as a process."""
    return [sys.executable, "-m", "encoder.cli", *map(str, arguments)]


def run_process(words: Sequence[str], *, env: Mapping[str, str] | None = None, timeout_s: float = 120.0) -> Ran:
    """Runs a process to its end."""
    done = subprocess.run(
        words, cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def killed_at(moment: str, rig: Path, out: Path, *options: str) -> None:
    """Starts an encode and kills it, hard, when it reports the moment."""
    words = [sys.executable, "-m", "tests.end_to_end.encoding_process", str(rig), "--out", str(out), *QUICK, *options]
    # One thread, where the run that goes on has them all: the bytes do not depend on it.
    env = {**os.environ, "NUMBA_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=REPOSITORY, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        seen = []
        for line in process.stdout:
            seen.append(line.strip())
            if line.strip() == moment:
                process.kill()
                break
            process.stdin.write("\n")
            process.stdin.flush()
        assert seen and seen[-1] == moment, process.stderr.read()
    assert process.returncode == -signal.SIGKILL
