"""What the browser player must not say otherwise than Python does: limits, numbers of versions, messages and codes.

python -m player.web.schema            writes src/format/schema.ts
python -m player.web.schema --check    says whether that is what would be written
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from types import UnionType
from typing import get_args, get_type_hints

from protocol import budget, chunk, header, index, limits, manifest, mesh_codec, records
from protocol.session import messages

SCHEMA = Path(__file__).parent / "src" / "format" / "schema.ts"

# How a field of a message is written, and what TypeScript calls it.
_KINDS: dict[object, tuple[str, str]] = {
    int: ("integer", "number"),
    str: ("text", "string"),
    bool: ("flag", "boolean"),
    bytes: ("bytes", "Uint8Array"),
    tuple[int, ...]: ("integers", "readonly number[]"),
    tuple[str, ...]: ("texts", "readonly string[]"),
    Fraction | None: ("time", "Ratio | null"),
}


def schema_text() -> str:
    """The whole of schema.ts."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "// Written by player/web/schema.py from the Python of `protocol`; do not edit."
    yield ""
    yield 'import type { Ratio } from "./ratio.ts";'
    yield ""
    yield "// SPEC section 2; bytes, where nothing else is said."
    yield from _constants({name: value for name, value in vars(limits).items() if name.isupper()})
    yield ""
    yield "// SPEC sections 3 to 6"
    yield from _constants(
        {
            "SHOW_MAGIC": header.MAGIC,
            "FORMAT_MAJOR": header.MAJOR,
            "HEADER_BYTES": header.HEADER_BYTES,
            "INDEX_MAGIC": index.MAGIC,
            "MAX_INDEX_BYTES": index.MAX_INDEX_BYTES,
            "DIGEST_BYTES": index.DIGEST_BYTES,
            "SEGMENT_MAGIC": chunk.MAGIC,
            "SEGMENT_VERSION": chunk.VERSION,
            "SEGMENT_HEADER_BYTES": chunk.HEADER_BYTES,
            "GEOMETRY_MAGIC": mesh_codec.MAGIC,
            "GEOMETRY_VERSION": mesh_codec.VERSION,
            "DISPARITY_STEPS": mesh_codec.STEPS,
            "CODECS": records.CODECS,
            "SOUND_RATES": records.SOUND_RATES,
            "UNITS": manifest.UNITS,
        }
    )
    yield "// What a headset draws for both eyes in time, SPEC 4.5"
    yield from _constants({"HEADSET": {_camel(name): value for name, value in vars(budget.HEADSET).items()}})
    yield "export type Codec = (typeof CODECS)[number];"
    yield "export type Units = (typeof UNITS)[number];"
    yield ""
    yield "// SPEC section 8"
    yield from _constants(
        {
            "PROTOCOL_VERSIONS": messages.VERSIONS,
            "LIVE": messages.LIVE,
            "PART_MARK": messages.PART_MARK,
            "PART_HEADER_BYTES": messages.PART_HEADER_BYTES,
            "FRONT": messages.FRONT,
            "SEGMENT": messages.SEGMENT,
            "ERROR_CODES": messages.ERROR_CODES,
            "PASSING_CODES": messages.PASSING_CODES,
        }
    )
    kinds = get_args(messages.Message)
    for kind in kinds:
        yield ""
        yield from _interface(kind)
    yield ""
    yield f"export type Message = {' | '.join(kind.__name__ for kind in kinds)};"
    yield ""
    yield "/** How the fields of each message are written, in the order of the wire. */"
    yield 'export type FieldKind = "integer" | "integers" | "text" | "texts" | "flag" | "bytes" | "time";'
    yield ""
    yield 'export type MessageFields = Readonly<Record<Message["type"], readonly (readonly [string, FieldKind])[]>>;'
    yield "export const MESSAGE_FIELDS: MessageFields = {"
    for kind in kinds:
        yield from _field_kinds(kind)
    yield "};"


def _constants(values: dict[str, object]) -> Iterator[str]:
    for name, value in values.items():
        yield f"export const {name} = {_literal(value)};"


def _literal(value: object) -> str:
    if isinstance(value, bytes):
        return f"Uint8Array.of({', '.join(f'0x{byte:02x}' for byte in value)})"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_literal, value))}] as const"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key}: {_literal(entry)}' for key, entry in value.items())} }}"
    if isinstance(value, int | float) and abs(value) < 1 << 53:
        return str(value)
    raise TypeError(f"{value!r} has no form in TypeScript")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _kinds(message: type) -> dict[str, tuple[str, str]]:
    hints: dict[str, type | UnionType] = get_type_hints(message)
    return {field.name: _KINDS[hints[field.name]] for field in fields(message)}


def _interface(message: type) -> Iterator[str]:
    yield f"/** {(message.__doc__ or '').strip()} */"
    yield f"export interface {message.__name__} {{"
    yield f'  readonly type: "{message.__name__.lower()}";'
    for name, (_, typescript) in _kinds(message).items():
        yield f"  readonly {name}: {typescript};"
    yield "}"


def _field_kinds(message: type) -> Iterator[str]:
    pairs = [f'["{name}", "{kind}"]' for name, (kind, _) in _kinds(message).items()]
    yield f"  {message.__name__.lower()}: [{', '.join(pairs)}],"


def main(arguments: Sequence[str]) -> int:
    """The command; 1 where `--check` finds another text."""
    if "--check" in arguments:
        return int(SCHEMA.read_text(encoding="utf-8") != schema_text())
    SCHEMA.write_text(schema_text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
