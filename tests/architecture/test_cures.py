"""Whoever meets an error at the rim is told what to do: each one that is made there has a cure."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import errors
from core.errors import QyranError

ROOT = Path(__file__).resolve().parents[2]
RIM = ("station", "api", "geo", "core", "telemetry/adapters")
NAMES = frozenset(
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, QyranError)
)
WITHOUT = {
    "NotFound": "the id that was asked for is named; only whoever asked knows the right one",
    "VersionConflict": "docs/errors.md says it once: read it anew and change that",
}
"""Classes that may come without a cure, and why."""


def made_in(source: str) -> Iterator[tuple[int, str, bool]]:
    """Yields line, class and whether there is a cure, of every error that a module makes."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        made = node.func
        name = made.id if isinstance(made, ast.Name) else getattr(made, "attr", "")
        if name not in NAMES:
            continue
        given = {word.arg: word.value for word in node.keywords}
        cure = given.get("cure")
        empty = isinstance(cure, ast.Constant) and not cure.value
        yield node.lineno, name, (cure is not None and not empty) or None in given


@pytest.mark.parametrize("folder", RIM)
def test_every_error_at_the_rim_has_a_cure(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    bare = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in files
        for line, name, cured in made_in(path.read_text("utf-8"))
        if not cured and name not in WITHOUT
    ]
    assert bare == []


def test_one_without_a_cure_is_found() -> None:
    source = "raise SourceMissing('no', where='x')\nraise errors.DiskFull('no', cure='')\n"
    source += "raise DiskFull('no', cure='free some')\nraise ValueError('no')\n"
    assert list(made_in(source)) == [
        (1, "SourceMissing", False),
        (2, "DiskFull", False),
        (3, "DiskFull", True),
    ]
    assert set(WITHOUT) <= NAMES
