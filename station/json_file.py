"""JSON files that people hand to a verb."""

import json
from pathlib import Path
from typing import Any

from core.errors import SourceMissing, SourceUnreadable


def read_json(path: Path) -> Any:
    """Returns the value of a JSON file.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is no JSON, or holds a number that JSON does not know.
    """
    try:
        return json.loads(path.read_text("utf-8-sig"), parse_constant=_no_such_number)
    except FileNotFoundError as error:
        raise SourceMissing(
            "there is no such file", where=str(path), cure="check the path"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise SourceUnreadable(
            f"is no JSON: {error}", where=str(path), cure="mend the file at that place"
        ) from error


def _no_such_number(word: str) -> float:
    raise ValueError(f"{word} is no number in JSON")
