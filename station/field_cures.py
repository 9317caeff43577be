"""What is wrong with a field of a person's JSON document, and what to write there instead."""

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from core.errors import SourceUnreadable

_VALUES: Final = {
    "kind": "drone or vehicle",
    "datum": "AGL, AMSL, home or ellipsoid",
    "home": '{"lat": 50.9754, "lon": 71.3549, "ground_m": 350, "datum": "geoid"}',
    "position": "[longitude, latitude]",
    "lat": "degrees north, such as 50.97",
    "lon": "degrees east, such as 71.35",
    "ground_m": "the ground's height in metres",
    "cruise_m_s": "metres a second, such as 8",
    "id": "a word that names it alone",
    "state": "idle, underway, returning, charging or grounded",
}


def refusal_of(
    error: ValidationError, path: Path, guide: str, whole: str = "the document"
) -> SourceUnreadable:
    """Returns the refusal of a document's first field that does not fit.

    Args:
        error: of the document's model.
        path: the file.
        guide: the document that describes the fields.
        whole: what it is called where no field is to blame.
    """
    first = error.errors()[0]
    parts = [str(part) for part in first["loc"]]
    field = ".".join(parts) or whole
    message = str(first["msg"]).removeprefix("Value error, ")
    missing = first["type"] == "missing"
    example = _VALUES.get(parts[-1] if parts else "")
    if example is not None:
        cure = f"write {parts[-1]} as {example}; see {guide}"
    else:
        cure = f"add {field}; see {guide}" if missing else f"see {guide}"
    said = f"{field} is missing" if missing else f"{field}: {message}"
    return SourceUnreadable(said, where=str(path), cure=cure)
