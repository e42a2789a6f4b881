"""Caps of the format: every size read from outside is checked against one of these before anything is allocated.

SPEC section 2. A writer refuses to exceed them, so that every reader may rely on them.
"""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB

# The file
MAX_SHOW_BYTES = 1 << 44
MAX_MANIFEST_BYTES = 4 * MIB
MAX_CHUNKS = 1 << 16
MAX_RUNGS = 8
MAX_SEGMENT_BYTES = 128 * MIB
SEGMENT_ALIGNMENT = 4096
FIRST_READ_BYTES = 64 * KIB  # what a reader asks for first; manifest and index of most shows fit

# The journal of a show that is being written
MAX_NOTES_BYTES = 4 * MIB

# The manifest
MAX_TEXT = 1024  # characters of any text
MAX_CAMERAS = 1024
MAX_CAMERA_PARAMS = 64
MAX_LAYERS = 64
MAX_SETTINGS = 256
MAX_STAGE_FIGURES = 4096
MAX_POSTER_BYTES = 512 * KIB
MAX_THUMBNAILS = 64
MAX_THUMBNAIL_BYTES = 16 * KIB
MAX_COVERAGE = 1 << 20  # screens
MAX_DRAWN_TRIANGLES = 1 << 28
MAX_GRID_SIDE = 65535
MAX_PICTURE_SIDE = 16384
MAX_FRAMES = 1 << 28
MAX_BITS_PER_SECOND = 1 << 40
MAX_DURATION_S = 1 << 32

# One segment
MAX_FRAMES_PER_CHUNK = 1024
MAX_SOUND_PACKETS = 4096
MAX_SOUND_PACKET_BYTES = 64 * KIB
MAX_GEOMETRY_BYTES = 64 * MIB

# Geometry, once unpacked
MAX_POINTS = 1 << 20  # of one layer
MAX_TRIANGLES = 1 << 21  # of one layer
MAX_RECTS = 65535  # of one layer
MAX_DISPARITIES = 1 << 26  # frames x points, all layers: 256 MiB of float32
MAX_GEOMETRY_RAW_BYTES = 128 * MIB
MAX_ZSTD_WINDOW_BYTES = 8 * MIB

# The wire
MAX_FRONT_BYTES = 24 * MIB  # header, manifest and index together
MAX_MESSAGE_BYTES = 64 * KIB  # of any message but a part
MAX_PART_BYTES = MIB  # of the payload of one part
MIN_PART_BYTES = 16 * KIB  # a part has no less, but for the last of the front or of a segment
MAX_CREDIT_BYTES = 64 * MIB  # that a client may have granted and the server not used
MAX_VERSIONS = 16
MAX_CAPABILITIES = 64
MAX_GENERATION = (1 << 32) - 1
MAX_MESSAGE_ITEMS = 64  # entries of any list or map of a message
MAX_MESSAGES_PER_S = 1000  # of one client, on average over a second
COUNTED_BYTES = 256  # as many bytes of a client's message make it count as one more
