"""What ids and names from outside may hold, so that they can stand in a path, a line, a page."""

import re
import unicodedata
from typing import Final

LONGEST_NAME: Final = 200
_ID = re.compile(r"[A-Za-z0-9._:-]{1,120}")
_BREAKING = frozenset({"Cc", "Zl", "Zp", "Cs"})
"""Control characters, line and paragraph separators, halves of characters."""


def is_id(text: str) -> bool:
    """Returns whether a text may be an id: 1 to 120 of A-Z a-z 0-9 `.` `_` `:` `-`.

    A dot or two alone would be a folder in a path and are none.
    """
    return _ID.fullmatch(text) is not None and text.strip(".") != ""


def is_one_line(text: str) -> bool:
    """Returns whether a text holds no control character and no end of a line."""
    return not any(unicodedata.category(letter) in _BREAKING for letter in text)


def shown(text: str, most: int = 60) -> str:
    """Returns a foreign text as a message may show it: on one line, cut where it is long."""
    plain = "".join(
        letter if is_one_line(letter) else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    return plain if len(plain) <= most else f"{plain[:most]}…"
