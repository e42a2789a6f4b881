"""Programs that make synthetic rigs with ground truth, and short examples. Run from the repository's root.

python -m samples.make_rig OUT          footage, calibration, test views and depth of a made-up room
python -m samples.make_head_path OUT    a head path for `lfv play --headless --path`
python -m samples.read_show SHOW        open a show with `protocol` and print what it holds
"""
