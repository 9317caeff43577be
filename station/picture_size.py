"""Decodes a picture that somebody sent, to see that it is one."""

import cv2
import numpy as np

from core.errors import SourceUnreadable


def picture_size(data: bytes) -> tuple[int, int]:
    """Decodes a whole JPEG or PNG and returns its width and height in pixels.

    Raises:
        SourceUnreadable: if it can't be decoded.
    """
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise SourceUnreadable("is no picture that can be decoded", cure="send a JPEG or PNG")
    return int(image.shape[1]), int(image.shape[0])
