"""How a rung's picture is divided: the colour region at the top left, the alpha region below or beside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PictureCaps:
    """What a decoder takes: texels of the longest side and of the whole picture (DESIGN 4, Rung)."""

    side: int
    area: int


# H.264 and HEVC level 5.2 together, and HEVC or AV1 level 6.
STANDARD = PictureCaps(side=4096, area=8_912_896)
LARGE = PictureCaps(side=8192, area=35_651_584)


@dataclass(frozen=True)
class Picture:
    """Texels; all are multiples of 16. The alpha region has the colour region's size and starts at alpha_x, alpha_y."""

    width: int
    height: int
    colour_width: int
    colour_height: int
    alpha_x: int
    alpha_y: int

    @property
    def area(self) -> int:
        return self.width * self.height


def with_room(picture: Picture, *, factor: float, caps: PictureCaps = STANDARD) -> tuple[int, int]:
    """Width and height of a colour region of `factor` times the area, or as near to it as the caps allow.

    A show's picture never changes its size, but later groups of pictures may need more of it than the first.
    """
    wanted = factor * picture.colour_width * picture.colour_height
    width, height = picture.colour_width, picture.colour_height
    while width * height < wanted:
        larger = sorted(((width + 16, height), (width, height + 16)), key=lambda size: max(size))
        fitting = [size for size in larger if picture_for(*size, caps=caps) is not None]
        if not fitting:
            break
        width, height = fitting[0]
    return width, height


def picture_for(colour_width: int, colour_height: int, *, caps: PictureCaps = STANDARD) -> Picture | None:
    """The squarer of the two arrangements that the caps allow; None where neither does.

    Raises ValueError where a side is not a positive multiple of 16.
    """
    w, h = colour_width, colour_height
    if min(w, h) < 16 or w % 16 or h % 16:
        raise ValueError(f"a colour region of {w}x{h} is not made of blocks of 16")
    below = Picture(width=w, height=2 * h, colour_width=w, colour_height=h, alpha_x=0, alpha_y=h)
    beside = Picture(width=2 * w, height=h, colour_width=w, colour_height=h, alpha_x=w, alpha_y=0)
    for picture in sorted((below, beside), key=lambda p: max(p.width, p.height)):
        if max(picture.width, picture.height) <= caps.side and picture.area <= caps.area:
            return picture
    return None
