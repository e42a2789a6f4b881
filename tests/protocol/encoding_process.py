"""A stand-in for the encoder in a process of its own, for kills and full disks: appends segments, then finishes.

    python encoding_process.py OUT FOLDER PAUSE_S [LIMIT_BYTES]

FOLDER holds NUMBER-RUNG.segment and manifest.msgpack. Prints "chunk N" after each append. With a limit, no file may
grow beyond it. An error of ours is printed as one line, exit code 1.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from protocol.errors import LfvError
from protocol.manifest import decode_manifest
from protocol.partial import PartialShow


def main(out: Path, folder: Path, pause_s: float, limit: int | None) -> int:
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    count = 1 + max(int(path.name.partition("-")[0]) for path in folder.glob("*.segment"))
    try:
        with PartialShow.open_or_create(out, fingerprint=b"tiny") as partial:
            for number in range(len(partial.chunks), count):
                time.sleep(pause_s)
                rungs = sorted(folder.glob(f"{number}-*.segment"))
                partial.append([path.read_bytes() for path in rungs], notes=b"note %d" % number)
                sys.stdout.write(f"chunk {number}\n")
                sys.stdout.flush()
            time.sleep(pause_s)
            partial.finalise(decode_manifest((folder / "manifest.msgpack").read_bytes()))
    except LfvError as error:
        sys.stderr.write(f"lfv: error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    out, folder, pause_s, *limit = sys.argv[1:]
    sys.exit(main(Path(out), Path(folder), float(pause_s), int(limit[0]) if limit else None))
