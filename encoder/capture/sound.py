"""A show's sound: a wav or a camera's own track becomes Opus packets of 20 ms with exact times.

Source: RFC 6716 (Opus), RFC 7845 section 4.2 (pre-skip).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from protocol.errors import CaptureError, UsageError

SAMPLE_RATE = 48_000
PACKET_SAMPLES = 960  # 20 ms
BITS_PER_SECOND = {1: 96_000, 2: 160_000}

_LAYOUTS = {1: "mono", 2: "stereo"}
_LONGEST_JITTER_S = Fraction(1, 50)  # a longer gap in the times is silence, a shorter one the clock's rounding


@dataclass(frozen=True)
class SoundPacket:
    """20 ms of sound. `time`: seconds on the show's clock at which its first sample is heard; see `Sound.pre_skip`."""

    time: Fraction
    data: bytes


@dataclass(frozen=True)
class Sound:
    """A show's whole sound.

    Attributes:
        channels: 1 or 2, at `SAMPLE_RATE`.
        pre_skip: samples that a decoder throws away at the very start. The first packets' times count them in: the
            first one is at -pre_skip / 48000 s.
        duration: seconds of sound; no longer than was asked for.
        packets: in order of time, without gaps.
    """

    channels: int
    pre_skip: int
    duration: Fraction
    packets: tuple[SoundPacket, ...]


def open_sound(
    path: Path, *, start: Fraction = Fraction(0), duration: Fraction | None = None, channels: int | None = None
) -> Sound:
    """Reads the first sound track of `path` and encodes it.

    Args:
        path: a wav, or anything else with sound that libav reads, a camera's video for example.
        start: where on the file's clock the show's time 0 lies, in seconds: `Footage.origin` for a camera's video.
            Sound before it is cut off; where there is none yet, there is silence.
        duration: seconds of the show; longer sound is cut, shorter sound ends before. None for all of it.
        channels: 1 or 2; as the file where not given (more than 2 are mixed down to 2).

    Raises:
        CaptureError: the file is missing, unreadable, or has no sound in that time.
        UsageError: an impossible number of channels.
    """
    if channels not in (None, 1, 2):
        raise UsageError(f"sound of {channels} channels cannot be stored; give 1 or 2")
    try:
        with av.open(f"file:{path}") as container:
            if not container.streams.audio:
                raise CaptureError(f"{path} has no sound; give a file that has some, or take --sound none")
            stream = container.streams.audio[0]
            channels = channels or min(2, stream.codec_context.channels)
            placed = _placed(container.decode(stream), start, duration, channels)
            end = None if duration is None else round(duration * SAMPLE_RATE)
            sound = _encode(_continuous(placed, end, channels), channels)
    except FileNotFoundError:
        raise CaptureError(f"sound {path} is missing; give another file, or take --sound none") from None
    except (av.error.FFmpegError, OSError) as error:
        reason = (error.strerror or "unknown format").lower()
        raise CaptureError(f"sound {path} cannot be read ({reason}); export it again as a wav") from error
    if not sound.packets:
        raise CaptureError(f"{path} has no sound from {float(start):g} s on; check --start, or take --sound none")
    return sound


def packets_between(sound: Sound, start: Fraction, end: Fraction) -> tuple[SoundPacket, ...]:
    """The packets that start at `start` <= time < `end`, in seconds; those from before time 0 belong to a `start` of 0.

    Consecutive ranges from 0 on hand out every packet exactly once.
    """
    first = 0 if start <= 0 else bisect_left(sound.packets, start, key=lambda packet: packet.time)
    return sound.packets[first : bisect_left(sound.packets, end, key=lambda packet: packet.time)]


def _placed(
    decoded: Iterator[AudioFrame], start: Fraction, duration: Fraction | None, channels: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Pieces (n, channels) float32 at 48 kHz, each with the sample of the show's clock at which it begins."""
    resampler: av.AudioResampler | None = None
    due = Fraction(0)
    place = 0
    for frame in decoded:
        at = due if frame.pts is None else frame.pts * Fraction(frame.time_base or 0) - start
        if duration is not None and at >= duration:
            break
        if resampler is None or abs(at - due) > _LONGEST_JITTER_S:
            for piece in _drained(resampler, channels):
                yield place, piece
                place += len(piece)
            resampler = av.AudioResampler(format="flt", layout=_LAYOUTS[channels], rate=SAMPLE_RATE)
            place, due = round(at * SAMPLE_RATE), at
        due += Fraction(frame.samples, frame.sample_rate)
        frame.pts = None  # the resampler would repair the times in its own way
        for resampled in resampler.resample(frame):
            piece = _samples(resampled, channels)
            yield place, piece
            place += len(piece)
    for piece in _drained(resampler, channels):
        yield place, piece
        place += len(piece)


def _drained(resampler: av.AudioResampler | None, channels: int) -> Iterator[np.ndarray]:
    """What is still inside the resampler, which is then finished."""
    if resampler is not None:
        for frame in resampler.resample(None):
            yield _samples(frame, channels)


def _samples(frame: AudioFrame, channels: int) -> np.ndarray:
    return frame.to_ndarray().reshape(-1, channels)


def _continuous(placed: Iterator[tuple[int, np.ndarray]], end: int | None, channels: int) -> Iterator[np.ndarray]:
    """The pieces from sample 0 to `end` or their own end: silence in the gaps, nothing twice."""
    written = 0
    for place, piece in placed:
        while place > written and (end is None or written < end):
            count = min(place - written, SAMPLE_RATE, place if end is None else end - written)
            yield np.zeros((count, channels), np.float32)
            written += count
        piece = piece[max(0, written - place) :]
        piece = piece if end is None else piece[: end - written]
        written += len(piece)
        yield piece


def _encode(pieces: Iterator[np.ndarray], channels: int) -> Sound:
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.format, context.layout = SAMPLE_RATE, "flt", _LAYOUTS[channels]
    context.time_base = Fraction(1, SAMPLE_RATE)
    context.bit_rate = BITS_PER_SECOND[channels]
    context.options = {"frame_duration": "20", "application": "audio", "vbr": "on"}
    context.open()
    if context.extradata is None:
        raise CaptureError("this build of libopus states no pre-skip; install the av package from its wheel")
    pre_skip = int.from_bytes(context.extradata[10:12], "little")
    encoded: list[bytes] = []
    waiting = np.empty((0, channels), np.float32)
    length = 0
    for piece in pieces:
        length += len(piece)
        waiting = np.concatenate([waiting, piece])
        whole = len(waiting) // PACKET_SAMPLES * PACKET_SAMPLES
        encoded += _packets(context, waiting[:whole], channels, first=len(encoded))
        waiting = waiting[whole:]
    # The decoder is pre_skip behind: silence pushes the last samples out of it.
    missing = -(length + pre_skip) % PACKET_SAMPLES if length else 0
    tail = np.concatenate([waiting, np.zeros((missing + pre_skip, channels), np.float32)])
    count = len(tail) // PACKET_SAMPLES * PACKET_SAMPLES if length else 0
    encoded += _packets(context, tail[:count], channels, first=len(encoded))
    times = (Fraction(k * PACKET_SAMPLES - pre_skip, SAMPLE_RATE) for k in range(len(encoded)))
    packets = tuple(SoundPacket(time, data) for time, data in zip(times, encoded, strict=True))
    return Sound(channels=channels, pre_skip=pre_skip, duration=Fraction(length, SAMPLE_RATE), packets=packets)


def _packets(context: AudioCodecContext, samples: np.ndarray, channels: int, *, first: int) -> list[bytes]:
    """Encodes whole packets; libopus gives each one back at once."""
    encoded = []
    for number, begin in enumerate(range(0, len(samples), PACKET_SAMPLES), start=first):
        block = np.ascontiguousarray(samples[begin : begin + PACKET_SAMPLES]).reshape(1, -1)
        frame = AudioFrame.from_ndarray(block, format="flt", layout=_LAYOUTS[channels])
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, number * PACKET_SAMPLES, Fraction(1, SAMPLE_RATE)
        encoded += [bytes(packet) for packet in context.encode(frame)]
    return encoded
