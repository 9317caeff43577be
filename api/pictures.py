"""Uploaded pictures: what they are by their first bytes, and how large they say they are.

Only heads are read here, so that a picture bomb is refused before anything decodes it; the
decoding is done by the `PictureCheck` of the services.
"""

import struct
from dataclasses import dataclass

from api.services import Services
from core.errors import SourceUnreadable, TooLarge

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers whose segment holds the size (start of frame)."""
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
"""JPEG markers without a segment."""


@dataclass(frozen=True, slots=True)
class PictureHead:
    """What a picture says of itself."""

    media_type: str
    width_px: int
    height_px: int


def picture_head(data: bytes) -> PictureHead:
    """Returns what the head of a JPEG or PNG says.

    Raises:
        SourceUnreadable: if it is neither, or its head is broken.
    """
    if data.startswith(_PNG):
        if len(data) < 33 or data[12:16] != b"IHDR":
            raise _broken()
        width, height = struct.unpack(">II", data[16:24])
        return _sane("image/png", width, height)
    if data.startswith(_JPEG):
        return _jpeg_head(data)
    raise SourceUnreadable("it is neither a JPEG nor a PNG", cure="send a picture as it was taken")


def _jpeg_head(data: bytes) -> PictureHead:
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            raise _broken()
        marker = data[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker in _BARE:
            place += 2
            continue
        (length,) = struct.unpack(">H", data[place + 2 : place + 4])
        if marker in _SIZES:
            if length < 7 or place + 9 > len(data):
                raise _broken()
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return _sane("image/jpeg", width, height)
        if marker in (0xD9, 0xDA) or length < 2:
            break
        place += 2 + length
    raise _broken()


def _sane(media_type: str, width: int, height: int) -> PictureHead:
    if width < 1 or height < 1:
        raise _broken()
    return PictureHead(media_type, width, height)


def _broken() -> SourceUnreadable:
    return SourceUnreadable("the picture is broken", cure="send it again")


def checked_picture(services: Services, data: bytes) -> PictureHead:
    """Returns the head of a picture that decodes.

    Raises:
        SourceUnreadable: if it is no JPEG or PNG that decodes to the size it claims.
        TooLarge: if it has too many pixels.
    """
    head = picture_head(data)
    if head.width_px * head.height_px > services.limits.picture_px:
        raise TooLarge(
            f"the picture has {head.width_px} x {head.height_px} pixels",
            cure=f"send one of at most {services.limits.picture_px} pixels",
        )
    # a decoder may turn the picture as its EXIF says
    decoded = services.picture_check(data)
    if sorted(decoded) != sorted((head.width_px, head.height_px)):
        raise _broken()
    return head
