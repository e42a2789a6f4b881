"""Writes one small rig in every format: two pinhole-like cameras, one unit apart along x, looking along their z."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import numpy as np

WIDTH, HEIGHT = 32, 24
FOCAL, CX, CY = 20.0, 16.0, 12.0
NAMES = ("left", "right")
CENTRES = ((-0.5, 0.1, 0.0), (0.5, 0.1, 0.0))


def broxton(folder: Path) -> Path:
    views = [
        {
            "name": name,
            "position": centre,
            "orientation": [0.0, 0.0, 0.0],
            "focal_length": FOCAL,
            "principal_point": [CX, CY],
            "width": float(WIDTH),
            "height": float(HEIGHT),
            "radial_distortion": [0.01, 0.0, 0.0],
            "projection_type": "fisheye",
        }
        for name, centre in zip(NAMES, CENTRES, strict=True)
    ]
    return _text(folder / "models.json", json.dumps(views))


def colmap_text(folder: Path, *, names: tuple[str, ...] = ("left.png", "right.png")) -> Path:
    sparse = folder / "sparse" / "0"
    lens = f"PINHOLE {WIDTH} {HEIGHT} {FOCAL} {FOCAL} {CX} {CY}"
    _text(sparse / "cameras.txt", f"# comment\n1 {lens}\n2 SIMPLE_RADIAL {WIDTH} {HEIGHT} {FOCAL} {CX} {CY} 0.01\n")
    lines = [
        f"{i + 1} 1 0 0 0 {-x} {-y} {-z} {i % 2 + 1} {name}\n10 20 -1 5 6 7"
        for i, (name, (x, y, z)) in enumerate(zip(names, CENTRES * len(names), strict=False))
    ]
    _text(sparse / "images.txt", "# comment\n" + "\n".join(lines) + "\n")
    points = [f"{i} {i % 7 - 3} {i % 5 - 2} {4 + i % 11} 90 90 90 0.5 1 2" for i in range(200)]
    _text(sparse / "points3D.txt", "\n".join(points) + "\n")
    return sparse / "images.txt"


def colmap_binary(folder: Path) -> Path:
    sparse = folder / "sparse" / "0"
    sparse.mkdir(parents=True)
    camera = struct.pack("<iiQQ8d", 7, 5, WIDTH, HEIGHT, FOCAL, FOCAL, CX, CY, 0.01, 0.0, 0.0, 0.0)
    (sparse / "cameras.bin").write_bytes(struct.pack("<Q", 1) + camera)
    images = b"".join(
        struct.pack("<i7di", i + 1, 1, 0, 0, 0, -x, -y, -z, 7)
        + f"{name}.png".encode()
        + b"\0"
        + struct.pack("<Qddq", 1, 3.0, 4.0, 9)
        for i, (name, (x, y, z)) in enumerate(zip(NAMES, CENTRES, strict=True))
    )
    (sparse / "images.bin").write_bytes(struct.pack("<Q", 2) + images)
    point = struct.pack("<QdddBBBdQ", 1, 1.0, 2.0, 3.0, 9, 9, 9, 0.5, 1) + struct.pack("<ii", 1, 0)
    (sparse / "points3D.bin").write_bytes(struct.pack("<Q", 1) + point)
    return sparse / "images.bin"


def transforms(folder: Path) -> Path:
    def matrix(x: float, y: float, z: float) -> list[list[float]]:
        return [[1, 0, 0, x], [0, -1, 0, y], [0, 0, -1, z], [0, 0, 0, 1]]  # OpenGL's axes of an OpenCV camera.

    frames = [
        {"file_path": f"./images/{name}.png", "transform_matrix": matrix(*centre)}
        for name, centre in zip(NAMES, CENTRES, strict=True)
    ]
    frames[1] |= {"fl_x": FOCAL, "camera_model": "OPENCV_FISHEYE", "k1": 0.01}
    shared = {"fl_x": FOCAL, "fl_y": FOCAL, "cx": CX, "cy": CY, "w": WIDTH, "h": HEIGHT}
    return _text(folder / "transforms.json", json.dumps({**shared, "frames": frames}))


def llff(folder: Path) -> Path:
    rows = []
    for x, y, z in CENTRES:
        # Columns: down, right, back of a camera that looks along z with y down; centre; height, width, focal.
        pose = np.array([[0, 1, 0, x, HEIGHT], [1, 0, 0, y, WIDTH], [0, 0, -1, z, FOCAL]], float)
        rows.append([*pose.ravel(), 2.0 + x, 30.0 + x])
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "poses_bounds.npy", np.array(rows))
    return folder / "poses_bounds.npy"


def basalt(folder: Path) -> Path:
    poses = [dict(zip(("px", "py", "pz"), c, strict=True), qw=1.0, qx=0.0, qy=0.0, qz=0.0) for c in CENTRES]
    lens = {"fx": FOCAL, "fy": FOCAL, "cx": CX - 0.5, "cy": CY - 0.5, "xi": 0.0, "alpha": 0.5}
    table = {
        "T_imu_cam": poses,
        "intrinsics": [{"camera_type": "ds", "intrinsics": lens}] * 2,
        "resolution": [[WIDTH, HEIGHT]] * 2,
    }
    return _text(folder / "calibration.json", json.dumps({"value0": table}))


def omnimvs(folder: Path) -> Path:
    cameras = "".join(
        f"  - cam_id: {i + 1}\n    model: ocam\n    inv_poly: [2, {FOCAL * math.pi / 2}, {FOCAL}]\n"
        f"    center: [{CY - 0.5}, {CX - 0.5}]\n    affine: [1.0, 0.0, 0.0]\n    image_size: [{HEIGHT}, {WIDTH}]\n"
        f"    pose: [0.0, 0.0, 0.0, {x}, {y}, {z}]\n    max_fov: 190.0\n    img_dir: {NAMES[i]}\n"
        for i, (x, y, z) in enumerate(CENTRES)
    )
    return _text(folder / "config.yaml", f"dataset: {{ img_fmt: cam%d/%05d.png }}\ncameras:\n{cameras}")


def caliscope(folder: Path) -> Path:
    tables = "".join(
        f"[cameras.{i}]\ncam_id = {i}\nignore = false\nsize = [{WIDTH}, {HEIGHT}]\n"
        f"matrix = [[{FOCAL}, 0.0, {CX - 0.5}], [0.0, {FOCAL}, {CY - 0.5}], [0.0, 0.0, 1.0]]\n"
        f"distortions = [0.01, 0.0, 0.0, 0.0, 0.0]\ntranslation = [{-x}, {-y}, {-z}]\n"
        "rotation = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]\n\n"
        for i, (x, y, z) in enumerate(CENTRES)
    )
    return _text(folder / "camera_array.toml", tables)


def qualisys(folder: Path) -> Path:
    def camera(name: str, x: float, y: float, z: float) -> str:
        # Rows of Qualisys' matrix: right, up, back.
        return (
            f'<camera active="1" serial="{name}">'
            f'<fov_video left="0" top="0" right="{WIDTH - 1}" bottom="{HEIGHT - 1}"/>'
            f'<transform x="{1000 * x}" y="{1000 * y}" z="{1000 * z}" r11="1" r12="0" r13="0" r21="0" r22="-1" r23="0" '
            'r31="0" r32="0" r33="-1"/>'
            f'<intrinsic focalLengthU="{64 * FOCAL}" focalLengthV="{64 * FOCAL}" centerPointU="{64 * (CX - 0.5)}" '
            f'centerPointV="{64 * (CY - 0.5)}" radialDistortion1="0.64" radialDistortion2="0" '
            'tangentalDistortion1="0" tangentalDistortion2="0"/></camera>'
        )

    cameras = "".join(camera(name, *centre) for name, centre in zip(NAMES, CENTRES, strict=True))
    return _text(folder / "Calib.qca.txt", f"<calibration><cameras>{cameras}</cameras></calibration>")


def _text(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path
