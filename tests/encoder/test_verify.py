"""`lfv verify`: a whole show passes, any damage ends in one line that names the bytes."""

from __future__ import annotations

import json
import random
import re
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import pytest

from encoder.cli import main
from encoder.commands.verify import Verified, verify_show
from protocol.chunk import SoundPacket, VideoAccessUnit, encode_segment
from protocol.errors import FormatError
from protocol.mesh_codec import Geometry, encode_geometry
from protocol.partial import PartialShow
from tests.protocol import examples


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("show") / "whole.lfv"
    examples.write_show(path, chunks=2, rungs=2, frames=6)
    return path


def test_a_whole_show(whole, capsys):
    done = verify_show(whole)
    assert done == Verified(whole.stat().st_size, chunks=2, segments=4, frames=12, pictures=24, sound_packets=8)
    assert main(["verify", str(whole)]) == 0
    assert "24 pictures and 8 sound packets decoded" in capsys.readouterr().out
    assert main(["verify", str(whole), "--quick", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] and report["segments"] == 4 and report["pictures"] == 0


def test_progress_counts_segments(whole):
    calls = []
    verify_show(whole, decode=False, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def _damage(data: bytes, rng: random.Random) -> tuple[bytes, int]:
    """-> damaged bytes, and the first byte that differs."""
    out = bytearray(data)
    at = rng.randrange(len(data))
    kind = rng.randrange(5)
    if kind == 0:
        return data[:at], at
    if kind == 1:
        out[at] ^= 1 << rng.randrange(8)
    elif kind == 2:
        out[at : at + 64] = rng.randbytes(len(out[at : at + 64]))
    elif kind == 3:
        out[at : at + 512] = bytes(len(out[at : at + 512]))
    else:
        del out[at : at + rng.randrange(1, 100)]
    if bytes(out) == data:
        out[at] ^= 0xFF
    return bytes(out), next((i for i, (a, b) in enumerate(zip(out, data, strict=False)) if a != b), len(out))


def test_200_corruptions_and_truncations_end_in_one_line(whole, tmp_path, capsys):
    data = whole.read_bytes()
    rng = random.Random(7)
    path = tmp_path / "damaged.lfv"
    for _ in range(200):
        damaged, first = _damage(data, rng)
        path.write_bytes(damaged)
        assert main(["verify", str(path)]) == 1
        out, errors = capsys.readouterr()
        assert out == "" and errors.startswith("lfv: error: ") and errors.count("\n") == 1
        start, end = (int(v) for v in re.findall(r"\(bytes (\d+)\.\.(\d+)\)", errors)[0])
        # A shorter or longer file is told by its length; else the range holds the first byte that differs.
        assert start <= first < end or len(damaged) != len(data)


def test_every_flipped_bit_of_the_padding_is_found(whole, tmp_path):
    data = whole.read_bytes()
    path = tmp_path / "damaged.lfv"
    for position in (4095, 8191, data.rindex(bytes(200))):
        assert data[position] == 0
        path.write_bytes(data[:position] + b"\x10" + data[position + 1 :])
        with pytest.raises(FormatError, match="padding") as error:
            verify_show(path)
        assert error.value.start == position


def test_json_names_the_range(whole, tmp_path, capsys):
    data = bytearray(whole.read_bytes())
    data[4096 + 600] ^= 1
    path = tmp_path / "damaged.lfv"
    path.write_bytes(bytes(data))
    assert main(["verify", "--json", str(path)]) == 1
    report = json.loads(capsys.readouterr().out)
    assert not report["ok"] and report["start"] == 4096 and report["end"] > 4096 + 600


def _show_of(path: Path, **changes: object) -> Path:
    """A one-chunk show with right checksums around a chunk with `changes`."""
    chunk = replace(examples.chunk(0), **changes)
    with PartialShow.open_or_create(path, fingerprint=b"") as partial:
        partial.append([encode_segment(chunk)])
        partial.finalise(examples.manifest(chunks=1))
    return path


def _units_of(size: int) -> tuple[VideoAccessUnit, ...]:
    """H.264 of another picture size."""
    context = av.CodecContext.create("libx264", "w")
    context.width = context.height = size
    context.pix_fmt, context.framerate, context.options = "yuv420p", 30, {"tune": "zerolatency"}
    units = []
    for pts in range(3):
        frame = av.VideoFrame(size, size, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts = pts
        units += [bytes(packet) for packet in context.encode(frame)]
    return tuple(VideoAccessUnit(pts, pts == 0, data) for pts, data in enumerate(units))


def test_faults_behind_right_checksums(tmp_path):
    """What an encoder could have written wrongly: the segment's range is named."""
    units = examples.video_units(3)
    layers = examples.geometry(3).layers
    wrong = {
        "picture": {"video": tuple(replace(u, data=b"\0\0\0\1" + bytes(50)) for u in units)},
        "picture at": {"video": (units[0], *(replace(u, data=b"\0\0\0\1\x09\xf0") for u in units[1:]))},
        "manifest says 64x64": {"video": _units_of(96)},
        "layers": {"geometry": encode_geometry(Geometry(layers[:1]))},
        "2 of 3": {"geometry": encode_geometry(examples.geometry(2))},
        "sound": {"sound": (SoundPacket(examples.chunk(0).start, b"\xff\xff\xff\xff"),)},
    }
    for number, (says, changes) in enumerate(wrong.items()):
        path = _show_of(tmp_path / f"{number}.lfv", **changes)
        with pytest.raises(FormatError, match=says) as error:
            verify_show(path)
        assert error.value.start == 4096 and error.value.end == path.stat().st_size


@pytest.mark.parametrize("arguments", [["missing.lfv"], ["."]])
def test_what_cannot_be_read(arguments, capsys):
    assert main(["verify", *arguments]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_as_a_process_with_little_memory(whole, tmp_path):
    """A show that declares the most that the format allows, in a process that may not have it."""
    data = bytearray(whole.read_bytes())
    data[24:32] = b"\xff\xff\xff\xff" * 2
    path = tmp_path / "greedy.lfv"
    path.write_bytes(bytes(data))

    def cap() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))

    command = [sys.executable, "-s", "-m", "encoder.cli", "verify", str(path)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, preexec_fn=cap, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
