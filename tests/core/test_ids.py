import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import content_id, fresh_id

characters = st.characters(codec="utf-8", exclude_characters="\x1f")
parts = st.lists(st.text(characters, max_size=8), max_size=4)


def test_fresh_ids_differ_and_name_their_kind() -> None:
    ids = {fresh_id("sortie") for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(i.startswith("sortie-") and len(i) == len("sortie-") + 20 for i in ids)


def test_a_content_id_is_the_same_on_every_machine_and_in_every_version() -> None:
    assert content_id("observation", "drone-1", 42) == "observation-4037ac26347793c053ac"


@given(parts, parts)
def test_other_parts_give_another_id(a: list[str], b: list[str]) -> None:
    assert (content_id("x", *a) == content_id("x", *b)) == (a == b)


def test_parts_cannot_run_into_each_other() -> None:
    assert content_id("x", "a", "bc") != content_id("x", "ab", "c")
    with pytest.raises(ValueError, match="U\\+001F"):
        content_id("x", "a\x1fb")
