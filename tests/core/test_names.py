import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.names import is_id, is_one_line, shown


@pytest.mark.parametrize("text", ["zone-1", "A.b_c:d-9", "1", "x" * 120, "a..b"])
def test_plain_words_are_ids(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize("text", ["", "..", ".", "a/b", "a\n", "x" * 121, "<b>", "зона", "a b"])
def test_what_could_lead_elsewhere_is_none(text: str) -> None:
    assert not is_id(text)


@given(st.text())
def test_what_is_shown_is_one_short_line(text: str) -> None:
    assert is_one_line(shown(text))
    assert len(shown(text)) <= 61
