"""The codec string by which WebCodecs chooses a decoder, read from the key frame itself.

Sources: RFC 6381 section 3.3 and ISO/IEC 14496-15 annex E (avc1, hvc1); AV1 codec ISO media file format binding,
section 5 (av01); ITU-T H.264 7.3.2.1.1, ITU-T H.265 7.3.3, AV1 bitstream 5.3 to 5.5.
"""

from __future__ import annotations

from collections.abc import Iterator

from encoder.video.encoders import Codec

_H264_SPS, _HEVC_SPS, _AV1_SEQUENCE_HEADER = 7, 33, 1


def codec_string(codec: Codec, key_unit: bytes) -> str:
    """The codec string of the stream that begins with `key_unit`: avc1.640034, hvc1.1.6.L156.90 or av01.0.16M.08.

    Args:
        key_unit: a key frame's access unit (Annex B, with its parameter sets) or temporal unit.

    Raises:
        ValueError: it holds no sequence parameters.
    """
    read = {"h264": _avc, "hevc": _hevc, "av1": _av1}[codec]
    for unit in _obus(key_unit) if codec == "av1" else _nal_units(key_unit):
        text = read(unit)
        if text is not None:
            return text
    raise ValueError(f"this is no key frame of {codec} with its parameters")


def _avc(unit: bytes) -> str | None:
    if unit[0] & 0x1F != _H264_SPS:
        return None
    return f"avc1.{unit[1:4].hex().upper()}"


def _hevc(unit: bytes) -> str | None:
    if unit[0] >> 1 & 0x3F != _HEVC_SPS:
        return None
    # Two bytes of header, one of layer counts, then profile_tier_level.
    profile = unit.replace(b"\0\0\3", b"\0\0")[3:]
    space = ("", "A", "B", "C")[profile[0] >> 6]
    tier = "H" if profile[0] & 0x20 else "L"
    compatible = int(f"{int.from_bytes(profile[1:5]):032b}"[::-1], 2)
    constraints = "".join(f".{byte:X}" for byte in profile[5:11].rstrip(b"\0"))
    return f"hvc1.{space}{profile[0] & 0x1F}.{compatible:X}.{tier}{profile[11]}{constraints}"


def _av1(unit: bytes) -> str | None:
    if unit[0] >> 3 & 0xF != _AV1_SEQUENCE_HEADER:
        return None
    bits = _Bits(unit[1:])
    profile = bits.take(3)
    bits.take(1)
    if bits.take(1):  # reduced_still_picture_header
        level, tier = bits.take(5), 0
    else:
        if bits.take(1):
            _skip_timing(bits)
        bits.take(1 + 5 + 12)  # initial_display_delay_present_flag, operating_points_cnt_minus_1, operating_point_idc
        level = bits.take(5)
        tier = bits.take(1) if level > 7 else 0
    return f"av01.{profile}.{level:02d}{'MH'[tier]}.08"


def _skip_timing(bits: _Bits) -> None:
    bits.take(32 + 32)
    if bits.take(1):  # equal_picture_interval
        zeros = 0
        while not bits.take(1):
            zeros += 1
        bits.take(zeros)
    if bits.take(1):  # decoder_model_info_present_flag
        raise ValueError("AV1 with a decoder model is not made here")


class _Bits:
    """Reads unsigned numbers, most significant bit first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data)
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        """The next `count` bits."""
        if count > self._left:
            raise ValueError("the sequence header ends early")
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)


def _nal_units(data: bytes) -> Iterator[bytes]:
    """The NAL units between the start codes."""
    for unit in data.split(b"\0\0\1")[1:]:
        if unit:
            yield unit


def _obus(data: bytes) -> Iterator[bytes]:
    """The OBUs of a temporal unit, each as its first header byte and its payload."""
    at = 0
    while at < len(data):
        header = data[at]
        at += 2 if header & 4 else 1
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        yield bytes([header]) + data[at : at + size]
        at += size
