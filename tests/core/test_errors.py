import re

from core import errors
from core.errors import EnvironmentFault, QyranError, Refused, UsageError


def every_class(base: type[QyranError] = QyranError) -> list[type[QyranError]]:
    return [base, *(c for child in base.__subclasses__() for c in every_class(child))]


def of_core() -> list[type[QyranError]]:
    return [c for c in every_class() if c.__module__ == errors.__name__]


def test_every_class_has_a_code_of_its_own() -> None:
    codes = [c.code for c in of_core()]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


def test_every_leaf_is_drawn_in_the_tree() -> None:
    assert errors.__doc__ is not None
    drawn = dict(re.findall(r"── (\w+) +([a-z_]+)$", errors.__doc__, re.MULTILINE))
    families = {QyranError, UsageError, Refused, EnvironmentFault}
    assert drawn == {c.__name__: c.code for c in of_core() if c not in families}


def test_families_have_their_exit_codes() -> None:
    for family, code in ((UsageError, 2), (Refused, 1), (EnvironmentFault, 3)):
        assert {c.exit_code for c in every_class(family)} == {code}


def test_an_error_is_one_line_of_what_where_and_cure() -> None:
    error = errors.DiskFull("no room", where="clip-1", cure="free some space")
    assert str(error) == "clip-1: no room; free some space"
    assert str(errors.DiskFull("no room")) == "no room"
