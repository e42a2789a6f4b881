from __future__ import annotations

import wave
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.audio.codeccontext import AudioCodecContext
from hypothesis import given
from hypothesis import strategies as st

from encoder.capture.sound import SAMPLE_RATE, Sound, SoundPacket, open_sound, packets_between
from protocol.errors import CaptureError, UsageError


def tone(seconds: float, *, hertz: float = 440, rate: int = 48000, channels: int = 1) -> np.ndarray:
    """(n, channels) int16; channel c sounds at (c + 1) * hertz."""
    time = np.arange(round(seconds * rate)) / rate
    return np.stack(
        [(12000 * np.sin(2 * np.pi * hertz * (c + 1) * time)).astype(np.int16) for c in range(channels)], axis=1
    )


def write_wav(path: Path, samples: np.ndarray, *, rate: int = 48000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


def heard(sound: Sound) -> np.ndarray:
    """(n, channels) float32: what a player hears from the show's time 0 on."""
    context = cast(AudioCodecContext, av.CodecContext.create("libopus", "r"))
    context.sample_rate, context.layout = SAMPLE_RATE, {1: "mono", 2: "stereo"}[sound.channels]
    pieces = []
    for packet in sound.packets:
        for frame in context.decode(av.Packet(packet.data)):
            samples = frame.to_ndarray()
            pieces.append(samples.reshape(-1, sound.channels) if not frame.format.is_planar else samples.T)
    decoded = np.concatenate(pieces)
    decoded = decoded / 32768 if decoded.dtype == np.int16 else decoded
    return decoded[sound.pre_skip :]


def pitch(samples: np.ndarray) -> float:
    """The loudest frequency in hertz."""
    window = samples * np.hanning(len(samples))
    spectrum = np.abs(np.fft.rfft(window, 8 * len(window)))
    return float(np.argmax(spectrum)) * SAMPLE_RATE / (8 * len(window))


@pytest.mark.parametrize(("rate", "channels"), [(48000, 1), (44100, 2), (16000, 1)])
def test_a_tone_survives(tmp_path: Path, rate: int, channels: int) -> None:
    path = write_wav(tmp_path / "a.wav", tone(1.5, rate=rate, channels=channels), rate=rate)
    sound = open_sound(path)
    assert sound.channels == channels
    assert abs(sound.duration - Fraction(3, 2)) <= Fraction(1, 1000)
    out = heard(sound)
    assert len(out) >= 1.5 * SAMPLE_RATE - 48
    for channel in range(channels):
        assert pitch(out[4800:62400, channel]) == pytest.approx(440 * (channel + 1), abs=1)


def test_times_are_exact_and_in_step(tmp_path: Path) -> None:
    samples = tone(1.0)
    samples[:24000] = 0
    sound = open_sound(write_wav(tmp_path / "a.wav", samples))
    assert sound.packets[0].time == Fraction(-sound.pre_skip, SAMPLE_RATE)
    assert {b.time - a.time for a, b in pairwise(sound.packets)} == {Fraction(1, 50)}
    # The tone begins at 0.5 s, to well within a millisecond.
    loud = np.flatnonzero(np.abs(heard(sound)[:, 0]) > 0.05)[0] / SAMPLE_RATE
    assert loud == pytest.approx(0.5, abs=0.001)


def test_cut_at_both_ends(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", np.concatenate([tone(1.0, hertz=300), tone(1.0, hertz=900)]))
    sound = open_sound(path, start=Fraction(1), duration=Fraction(1, 2))
    assert sound.duration == Fraction(1, 2)
    assert pitch(heard(sound)[2400:24000, 0]) == pytest.approx(900, abs=2)
    assert sound.packets[-1].time < Fraction(1, 2)


def test_shorter_sound_just_ends(tmp_path: Path) -> None:
    sound = open_sound(write_wav(tmp_path / "a.wav", tone(0.3)), duration=Fraction(2))
    assert sound.duration == Fraction(3, 10)
    assert packets_between(sound, Fraction(1), Fraction(2)) == ()


def test_late_sound_begins_with_silence(tmp_path: Path) -> None:
    sound = open_sound(write_wav(tmp_path / "a.wav", tone(0.5)), start=Fraction(-1, 4))
    assert sound.duration == Fraction(3, 4)
    out = heard(sound)[:, 0]
    assert np.abs(out[:11900]).max() < 0.01
    assert np.abs(out[12100:13000]).max() > 0.1


def test_a_gap_in_the_track_stays_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    samples = tone(1.0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48000, layout="mono")
        for k in range(50):
            begin = k * 960
            frame = av.AudioFrame.from_ndarray(samples[begin : begin + 960].T.copy(), format="s16", layout="mono")
            frame.sample_rate, frame.time_base = 48000, Fraction(1, 48000)
            frame.pts = begin + (24000 if k >= 25 else 0)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    sound = open_sound(path)
    assert abs(sound.duration - Fraction(3, 2)) <= Fraction(1, 500)
    out = np.abs(heard(sound)[:, 0])
    assert out[26000:46000].max() < 0.01
    assert out[50000:70000].max() > 0.3


def test_the_same_sound_gives_the_same_bytes(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(0.5, rate=44100, channels=2), rate=44100)
    assert open_sound(path) == open_sound(path)


@given(st.lists(st.integers(1, 200), max_size=12), st.integers(0, 959), st.integers(0, 60))
def test_every_packet_lies_in_one_chunk(lengths: Sequence[int], pre_skip: int, count: int) -> None:
    packets = tuple(SoundPacket(Fraction(k * 960 - pre_skip, SAMPLE_RATE), bytes([k])) for k in range(count))
    sound = Sound(channels=1, pre_skip=pre_skip, duration=Fraction(count, 50), packets=packets)
    borders = [Fraction(0)]
    for length in lengths:
        borders.append(borders[-1] + Fraction(length, 90))
    borders.append(max(borders[-1], Fraction(count, 50)) + 1)
    chunks = [packets_between(sound, a, b) for a, b in pairwise(borders)]
    assert tuple(p for chunk in chunks for p in chunk) == packets
    for begin, chunk in zip(borders, chunks, strict=False):
        assert all(packet.time >= begin or begin == 0 for packet in chunk)


def test_no_sound_is_named(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    with pytest.raises(CaptureError, match=r"silent.mp4 has no sound; give a file that has some"):
        open_sound(write_video("silent.mp4", 2))
    with pytest.raises(CaptureError, match=r"sound .*none.wav is missing; give another file"):
        open_sound(tmp_path / "none.wav")
    (tmp_path / "text.wav").write_text("not a sound " * 50)
    with pytest.raises(CaptureError, match=r"sound .*text.wav cannot be read .*; export it again as a wav"):
        open_sound(tmp_path / "text.wav")
    short = write_wav(tmp_path / "a.wav", tone(0.2))
    with pytest.raises(CaptureError, match=r"a.wav has no sound from 5 s on; check --start"):
        open_sound(short, start=Fraction(5))
    with pytest.raises(UsageError, match="3 channels"):
        open_sound(short, channels=3)


def test_a_cameras_own_track(shared_data: Path) -> None:
    sound = open_sound(shared_data / "pose2sim_beam" / "videos" / "cam02.mp4", duration=Fraction(5, 3))
    assert sound.duration <= Fraction(5, 3)
    assert np.abs(heard(sound)).max() <= 1.5
