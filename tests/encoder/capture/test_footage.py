from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from encoder.capture.footage import Footage, open_footage
from encoder.capture.timeline import read_timeline
from protocol.errors import CaptureError, UsageError
from tests.encoder.capture.filmed import Filmed, Size, frame_numbers

Write = Callable[..., Path]


def numbers(footage: Footage, name: str, *, first: int = 0, count: int | None = None) -> list[int]:
    return frame_numbers([f.images[name] for f in footage.frames(first, count)])


@pytest.mark.parametrize("rate", [30, 25, Fraction(30000, 1001)])
def test_times_are_exact(write_video: Write, rate: Fraction | int) -> None:
    time_base = Fraction(1, 30000)
    cameras = [Filmed(n, write_video(f"{n}.mp4", 10, rate=rate, time_base=time_base)) for n in ("a", "b")]
    footage = open_footage(cameras)
    assert footage.frame_rate == rate
    assert footage.timestamps == tuple(Fraction(k) / Fraction(rate) for k in range(10))
    assert footage.duration == 10 / Fraction(rate)
    sets = list(footage.frames())
    assert [s.time for s in sets] == list(footage.timestamps)
    assert frame_numbers([s.images["b"] for s in sets]) == list(range(10))


def test_coarse_clocks_keep_the_rate(write_video: Write) -> None:
    # MKV counts milliseconds: 33, 34, 33, ... is still 30 frames per second.
    cameras = [Filmed(n, write_video(f"{n}.mkv", 12)) for n in ("a", "b")]
    footage = open_footage(cameras)
    assert footage.frame_rate == 30
    assert footage.timestamps[1] == Fraction(33, 1000)
    assert numbers(footage, "a") == list(range(12))


@pytest.mark.parametrize("gop", [1, 5, 100])
def test_any_first_frame_is_exact(write_video: Write, gop: int) -> None:
    footage = open_footage([Filmed(n, write_video(f"{n}.mp4", 20, gop=gop)) for n in ("a", "b")])
    for first in range(20):
        assert numbers(footage, "b", first=first, count=2) == list(range(first, min(20, first + 2)))
    assert list(footage.frames(20)) == []


def test_start_and_length_are_cut(write_video: Write) -> None:
    footage = open_footage([Filmed("a", write_video("a.mp4", 20))], start_s=0.1, frames=4)
    assert footage.origin == Fraction(1, 10)
    assert footage.timestamps == tuple(Fraction(k, 30) for k in range(4))
    assert numbers(footage, "a") == [3, 4, 5, 6]
    assert numbers(footage, "a", first=2) == [5, 6]


def test_scale_and_sizes(write_video: Write) -> None:
    footage = open_footage([Filmed("a", write_video("a.mp4", 2))], scale=0.3)
    assert footage.sizes["a"] == (19, 14)
    assert next(footage.frames()).images["a"].shape == (14, 19, 3)


def test_frame_rates_must_agree(write_video: Write) -> None:
    cameras = [Filmed(n, write_video(f"{n}.mp4", 8)) for n in ("a", "b")]
    cameras.append(Filmed("c", write_video("c.mp4", 8, rate=25)))
    with pytest.raises(CaptureError, match=r"^c runs at 25 fps, a at 30 fps; all cameras need one frame rate"):
        open_footage(cameras)
    cameras[2] = Filmed("c", write_video("d.mp4", 8, rate=Fraction(30000, 1001)))
    with pytest.raises(CaptureError, match=r"^c runs at 29.97.* \(30000/1001\), a at 30 fps"):
        open_footage(cameras)


def test_starts_must_agree(write_video: Write) -> None:
    cameras = [Filmed(n, write_video(f"{n}.mkv", 8)) for n in ("a", "b")]
    late = Filmed("c", write_video("c.mkv", 8, start=Fraction(1, 2)))
    with pytest.raises(CaptureError, match=r"^c starts 0.5 s \(15 frames\) later than a; cut"):
        open_footage([*cameras, late])
    # The odd one out is blamed, wherever it stands.
    with pytest.raises(CaptureError, match=r"^c starts 0.5 s \(15 frames\) later than a; cut"):
        open_footage([late, *cameras])


def test_lengths_must_agree(write_video: Write) -> None:
    cameras = [Filmed("a", write_video("a.mp4", 8)), Filmed("b", write_video("b.mp4", 5))]
    with pytest.raises(CaptureError, match=r"^b has 0.1 s \(3 frames\) less than a \(5 frames, not 8\); .*--frames 5$"):
        open_footage(cameras)
    assert open_footage(cameras, frames=5).frame_count == 5
    with pytest.raises(CaptureError, match=r"b has no frame of its own at 0.1667 s"):
        open_footage(cameras, frames=6)


def test_a_dropped_frame_is_named(write_video: Write) -> None:
    ticks = [1000 * k for k in range(10)]
    cameras = [
        Filmed("a", write_video("a.mp4", ticks=ticks)),
        Filmed("b", write_video("b.mp4", ticks=[*ticks[:4], *ticks[5:]])),
    ]
    for frames in (None, 10):
        with pytest.raises(CaptureError, match=r"^b has no frame of its own at 0.1333 s \(frame 4 of a\)"):
            open_footage(cameras, frames=frames)


def test_cameras_that_are_only_time_stamped_are_paired(write_video: Write, caplog: pytest.LogCaptureFixture) -> None:
    # Webcams of 10 fps: unsteady, one of them with a frame that the other lost.
    reference = [0, 3030, 5980, 9050, 15010, 18000, 20950, 24020]
    other = [200, 3100, 5900, 9300, 12100, 15100, 17900, 21100, 23900]
    cameras = [Filmed("a", write_video("a.mkv", ticks=reference)), Filmed("b", write_video("b.mkv", ticks=other))]
    footage = open_footage(cameras)
    assert footage.timestamps == tuple(Fraction(round(t / 30), 1000) for t in reference)
    assert numbers(footage, "b") == [0, 1, 2, 3, 5, 6, 7, 8]
    assert "b: frames that belong to none of a: 1, left out" in caplog.text


def test_images_are_a_still_or_a_sequence(write_image: Write) -> None:
    def images(name: str, count: int) -> Filmed:
        levels = [np.full((8, 8, 3), 10 * k + len(name), np.uint8) for k in range(count)]
        return Filmed(name, tuple(write_image(f"{name}/{k}.png", p) for k, p in enumerate(levels)), Size(8, 8))

    still = open_footage([images("a", 1), images("bb", 1)])
    assert (still.frame_rate, still.timestamps, still.duration) == (None, (0,), 0)
    assert next(still.frames()).images["bb"][0, 0, 0] == 2

    sequence = open_footage([images("a", 3), images("bb", 3)], image_rate=Fraction(24))
    assert sequence.timestamps == (0, Fraction(1, 24), Fraction(1, 12))
    assert [f.images["a"][0, 0, 0] for f in sequence.frames(1)] == [11, 21]

    with pytest.raises(CaptureError, match=r"^bb has 2 images, a has 3; give every camera one image per instant"):
        open_footage([images("a", 3), images("bb", 2), images("ccc", 3)])


def test_an_unstated_image_rate_is_said(write_image: Write, caplog: pytest.LogCaptureFixture) -> None:
    paths = tuple(write_image(f"{k}.png", np.zeros((8, 8, 3), np.uint8)) for k in range(2))
    assert open_footage([Filmed("a", paths, Size(8, 8))]).frame_rate == 30
    assert "2 images per camera and no frame rate: taken as 30 fps" in caplog.text


def test_masks_are_scaled(write_video: Write, write_image: Write) -> None:
    valid = np.full((48, 64), 255, np.uint8)
    valid[:, :5] = 0
    mask = write_image("mask.png", valid, pixel_format="gray")
    video = write_video("a.mp4", 1)
    footage = open_footage([Filmed("a", video, mask=mask), Filmed("b", video)], scale=0.5)
    assert footage.masks["b"] is None
    a = footage.masks["a"]
    assert a is not None
    assert a.shape == (24, 32)
    assert not a[:, :3].any()
    assert a[:, 3:].all()


def test_a_phones_video_is_turned_upright(write_video: Write) -> None:
    path = write_video("a.mp4", 3)
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40  # ISO/IEC 14496-12, 8.3.2
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    upright = open_footage([Filmed("a", path, Size(48, 64))])
    assert next(upright.frames()).images["a"].shape == (64, 48, 3)
    # A calibration of the stored pictures is taken by its size.
    stored = open_footage([Filmed("a", path)])
    assert next(stored.frames()).images["a"].shape == (48, 64, 3)


def test_a_bare_stream_is_counted(write_video: Write) -> None:
    # Without a container there are no times: frame k is at k / rate.
    footage = open_footage([Filmed(n, write_video(f"{n}.h264", 9, gop=4)) for n in ("a", "b")])
    assert footage.timestamps == tuple(Fraction(k) / footage.frame_rate for k in range(9))
    assert numbers(footage, "a") == list(range(9))
    assert numbers(footage, "b", first=6) == [6, 7, 8]


def test_wrong_sizes_and_kinds_are_named(write_video: Write, write_image: Write) -> None:
    video = Filmed("a", write_video("a.mp4", 2))
    with pytest.raises(CaptureError, match=r"^b: .*a.mp4 is 64x48, its calibration is for 64x50; give"):
        open_footage([video, Filmed("b", video.files, Size(64, 50))])
    picture = Filmed("b", (write_image("b.png", np.zeros((48, 64, 3), np.uint8)),))
    with pytest.raises(CaptureError, match=r"^b has images, a has videos; give all cameras the same kind"):
        open_footage([video, Filmed("aa", video.files), picture])
    wrong = open_footage([Filmed("b", picture.files, Size(9, 9))])
    with pytest.raises(CaptureError, match=r"^b: .*b.png is 64x48, its calibration is for 9x9"):
        list(wrong.frames())


def test_unreadable_files_are_named(write_video: Write, tmp_path: Path) -> None:
    good = Filmed("a", write_video("a.mp4", 8))
    (tmp_path / "text.mp4").write_text("this is not a video\n" * 100)
    whole = write_video("front.mp4", 30, gop=1).read_bytes()
    (tmp_path / "half.mp4").write_bytes(whole[: len(whole) // 2])
    for name in ("text.mp4", "half.mp4"):
        with pytest.raises(CaptureError, match=rf"^b: .*{name} is no readable .*; export it again$"):
            open_footage([good, Filmed("b", tmp_path / name)])
    with pytest.raises(CaptureError, match=r"^b: .*none.mp4 is missing; put it back or take the camera"):
        open_footage([good, Filmed("b", tmp_path / "none.mp4")])


def test_a_file_cut_short_is_named(write_video: Write) -> None:
    # With the index in front, a copy that stopped half way still opens.
    path = write_video("a.mp4", 30, gop=1, index_in_front=True)
    data = path.read_bytes()
    path.write_bytes(data[: (data.index(b"mdat") + len(data)) // 2])
    with pytest.raises(CaptureError, match=r"^a: .*a.mp4 ends after \d+ of its 30 frames; the file is cut off"):
        open_footage([Filmed("a", path)])


def test_a_camera_that_dies_is_named(write_video: Write) -> None:
    path = write_video("a.mp4", 12, gop=4)
    clean = read_timeline(path, owner="a")
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = {p.pts: (p.pos, p.size) for p in container.demux(video=0) if p.size}
    position, size = packets[clean.stamps[8]]
    data[position + 5 : position + size] = b"\xff" * (size - 5)
    path.write_bytes(data)
    footage = open_footage([Filmed("a", path)])
    with pytest.raises(CaptureError, match=r"^a: frame \d+ \(0\.\d{4} s\) of .*a.mp4 .*; copy or export"):
        list(footage.frames())


def test_nothing_to_show_is_a_usage_error(write_video: Write) -> None:
    camera = Filmed("a", write_video("a.mp4", 8))
    with pytest.raises(UsageError, match=r"start 9 s lies outside the footage; its last frame is at 0.2333"):
        open_footage([camera], start_s=9)
    with pytest.raises(UsageError, match=r"0 frames are none"):
        open_footage([camera], frames=0)
    with pytest.raises(UsageError, match=r"no cameras"):
        open_footage([])


def test_stopping_early_leaves_no_threads(write_video: Write) -> None:
    footage = open_footage([Filmed(n, write_video(f"{n}.mp4", 20)) for n in ("a", "b")])
    for frame in footage.frames():
        if frame.index == 2:
            break
    del frame
    assert not [t for t in threading.enumerate() if t.name.startswith("capture")]


def test_the_studio_is_in_lockstep(shared_data: Path) -> None:
    files = sorted((shared_data / "dome46_studio").glob("camera_*.mp4"))
    footage = open_footage([Filmed(f.stem, f, Size(480, 360)) for f in files], scale=0.25)
    assert (len(footage.sources), footage.frame_rate) == (46, 30)
    assert footage.timestamps == tuple(Fraction(k, 30) for k in range(8))
    assert sum(1 for _ in footage.frames(6)) == 2
