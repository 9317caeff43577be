"""The settings that the proof of returns counts on, as requirements of a contract."""

from collections.abc import Sequence

from missions.failsafes.requirements import Compared, Requirement, Spelling
from missions.proving.return_settings import ReturnSetting

_ASTRAY = "it returns by another way or at another height than was proven"
_CUT_M = 0.006
"""A height that is kept in whole centimetres is that much off."""
_ROUNDED = frozenset({"return_height"})


def as_requirements(
    settings: Sequence[ReturnSetting],
    codes: dict[str, str],
    older: dict[str, Spelling] | None = None,
) -> tuple[Requirement, ...]:
    """Returns what an upload has set as what must still be there when it arms.

    Args:
        settings: of `missions.proving`, in the newest spelling.
        codes: the stable code of each name.
        older: by name, how earlier versions of the autopilot spell it.
    """
    older = older or {}
    found = []
    for one in settings:
        code, also = codes[one.name], older.get(one.name)
        cut = _CUT_M if code in _ROUNDED and also is not None else 0.0
        found.append(
            Requirement(
                code,
                (Spelling(one.name), *([also] if also is not None else [])),
                Compared.BETWEEN,
                (one.least - cut, one.most + cut),
                "where and how high it returns; the proof of the plan counts on it",
                _ASTRAY,
                preferred=one.wanted,
            )
        )
    return tuple(found)
