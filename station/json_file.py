"""JSON files that people hand to a verb."""

from pathlib import Path
from typing import Any

from core.errors import SourceMissing, SourceUnreadable
from core.given_json import AbsurdValue, read_json_text


def read_json(path: Path) -> Any:
    """Returns the value of a JSON file.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is no JSON, or holds a number that JSON does not know or no
            machine holds; the place in the document is named.
    """
    try:
        return read_json_text(path.read_text("utf-8-sig"))
    except FileNotFoundError as error:
        raise SourceMissing(
            "there is no such file", where=str(path), cure="check the path"
        ) from error
    except AbsurdValue as error:
        where = f"{path}, {error.place}" if error.place else str(path)
        raise SourceUnreadable(error.message, where=where, cure=f"mend {error.place}") from error
    except (OSError, ValueError) as error:
        raise SourceUnreadable(
            f"is no JSON: {error}", where=str(path), cure="mend the file at that place"
        ) from error
