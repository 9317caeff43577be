"""Byte ranges of RFC 9110, one at a time."""

import re

_ONE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII)


class RangeUnsatisfiable(Exception):
    """No byte of the wanted range is there."""


def wanted_range(header: str | None, size_bytes: int) -> tuple[int, int] | None:
    """Returns the first and last byte that a Range header asks for, or `None` for the whole.

    A header that is malformed, or asks for several ranges, is ignored, as RFC 9110 allows;
    so no header can make more work than sending the whole once.

    Raises:
        RangeUnsatisfiable: if the range begins behind the end, or asks for the last 0 bytes.
    """
    match = _ONE.fullmatch(header or "")
    if match is None:
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if not first:
        length = min(int(last), size_bytes)
        if length == 0:
            raise RangeUnsatisfiable
        return size_bytes - length, size_bytes - 1
    begin = int(first)
    end = min(int(last), size_bytes - 1) if last else size_bytes - 1
    if last and int(last) < begin:
        return None
    if begin >= size_bytes:
        raise RangeUnsatisfiable
    return begin, end
