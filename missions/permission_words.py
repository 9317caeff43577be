"""The words of a permission's properties: synonyms, slips, and limits that are not ours.

A limit must not vanish because nobody reads its name. What is plain is honoured (`revoked`, a
`window`); what only looks like a limit is refused, with the word to write instead.
"""

import difflib
import re
from collections.abc import Mapping
from typing import Any

from core.errors import ZoneInvalid

_NAMES = {
    "from": "valid_from", "start": "valid_from", "to": "valid_until", "until": "valid_until",
    "end": "valid_until", "valid_to": "valid_until", "id": "number", "assets": "asset_ids",
    "asset": "asset_ids", "asset_id": "asset_ids", "windows": "window", "validity": "window",
    "period": "window",
}  # fmt: skip
_LIMITS = (
    "valid_from", "valid_until", "window", "tzid", "floor_m", "ceiling_m", "datum", "floor_datum",
    "ceiling_datum", "asset_ids", "radius_m", "revoked_at", "revoked", "status",
)  # fmt: skip
"""Words that limit something, so that a slip in them would lose a limit."""
_READ = frozenset({*_LIMITS, "number", "issuer", "note", "area", "geometry", "type", "properties",
                   "active", "valid", "altitudemode"})  # fmt: skip
"""`altitudemode` is what GDAL adds to everything it reads from KML."""
_HEIGHTS = re.compile(
    r"height|altitude|ceiling|floor|elevation|upper|lower|^(max|min)_m$"
    r"|(^|_)(alt|agl|amsl|msl|fl)(_|$)"
)
_HOURS = re.compile(r"^(week)?days?$|hours?$|^times?$|schedule|r?rule$|recurrence|daylight")
_ALIKE = 0.83
"""How alike a word must be to one of ours to be taken for a slip (difflib's ratio)."""
_ENDED = frozenset({"revoked", "withdrawn", "cancelled", "canceled", "annulled", "suspended",
                    "expired", "inactive", "void", "invalid"})  # fmt: skip
_HOLDS = frozenset({"active", "valid", "approved", "granted", "issued", "in force", "in_force"})
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})


def words_of(properties: Mapping[object, Any]) -> dict[str, Any]:
    """Returns properties under the names that are read; a window becomes its two ends.

    Raises:
        ZoneInvalid: if a property is nearly one that limits, a limit of another kind, or told
            twice.
    """
    said = {
        str(key).lower(): value
        for key, value in properties.items()
        if value is not None and value != ""
    }
    given = {name: value for name, value in said.items() if name not in _NAMES}
    for name, value in said.items():
        ours = _NAMES.get(name, name)
        if ours == "number":
            given.setdefault(ours, value)
        elif given.setdefault(ours, value) != value:
            raise ZoneInvalid(f"it says {ours} twice, also as {name}", cure="write one of the two")
    for name in given:
        _check(name, given)
    if "window" in given:
        given |= _ends(given.pop("window"), given)
    return given


def never_holds(given: Mapping[str, Any]) -> bool:
    """Returns whether it is said to be revoked, without saying since when.

    Raises:
        ZoneInvalid: if what is said of it is not plain.
    """
    status = str(given.get("status", "active")).strip().lower()
    if status not in _ENDED | _HOLDS:
        raise ZoneInvalid(
            f"its status {given['status']!r:.40} is not known", cure="write active or revoked"
        )
    over = _flag(given, "revoked", usual=False) or status in _ENDED
    return over or not (_flag(given, "active", usual=True) and _flag(given, "valid", usual=True))


def _check(name: str, given: Mapping[str, Any]) -> None:
    if name in _READ:
        return
    near = difflib.get_close_matches(name, _LIMITS, n=1, cutoff=_ALIKE)
    if near and near[0] not in given:
        raise ZoneInvalid(f"its property {name} is not known", cure=f"write {near[0]}")
    if _HEIGHTS.search(name):
        raise ZoneInvalid(
            f"its property {name} is not known, and may limit the height",
            cure="write ceiling_m or floor_m in metres, with datum AGL, AMSL, home or ellipsoid",
        )
    if _HOURS.search(name):
        raise ZoneInvalid(
            f"its property {name} is not known, and may limit the time",
            cure="write valid_from and valid_until; one permission for each stretch of time",
        )


def _ends(window: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a window's ends as `valid_from` and `valid_until`."""
    if isinstance(window, list | tuple) and len(window) == 1:
        window = window[0]
    if isinstance(window, Mapping):
        named = {_NAMES.get(str(k).lower(), str(k).lower()): v for k, v in window.items()}
        if set(named) <= {"valid_from", "valid_until", "tzid"}:
            ends = {name: value for name, value in named.items() if value not in (None, "")}
            return _agreed(ends, given)
    elif isinstance(window, list | tuple) and len(window) == 2:
        if all(isinstance(one, str) for one in window):
            return _agreed(dict(zip(("valid_from", "valid_until"), window, strict=True)), given)
    raise ZoneInvalid(
        f"its window is {window!r:.60}, not one start and end",
        cure="write [start, end] as 2026-06-15T09:00:00+05:00; one permission for each window",
    )


def _agreed(ends: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in ends.items():
        if name in given and given[name] != value:
            raise ZoneInvalid(
                f"its window and its {name} disagree", cure="write one of the two, not both"
            )
    return ends


def _flag(given: Mapping[str, Any], name: str, *, usual: bool) -> bool:
    value = given.get(name, usual)
    word = str(value).strip().lower()
    if word in _TRUE | _FALSE:
        return word in _TRUE
    cure = "write true or false" + ("; since when as revoked_at" if name == "revoked" else "")
    raise ZoneInvalid(f"its {name} is {value!r:.40}, neither true nor false", cure=cure)
