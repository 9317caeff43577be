from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import mapping

from core.errors import PlanUnreadable, ZoneInvalid
from core.ids import AssetId
from geo.positions import Altitude, Datum
from missions.permission_documents import permission_feature, permissions_of
from missions.permissions import Permission
from tests.builders import NOW, a_square, after
from tests.persistence.strategies import altitudes, areas, instants, words

permissions = st.builds(
    lambda number, issuer, area, start, length, floor, ceiling, assets, note, revoked: Permission(
        number, issuer, area, start, start + length, floor, ceiling, tuple(assets), note, revoked
    ),
    words.filter(str.strip),
    words,
    areas(),
    instants,
    st.timedeltas(timedelta(seconds=1), timedelta(days=400)),
    st.none() | altitudes,
    st.none() | altitudes,
    st.lists(st.sampled_from([AssetId("drone-1"), AssetId("drone-2")]), max_size=2),
    words,
    st.none() | instants,
)


@settings(max_examples=60, deadline=None)
@given(permissions)
def test_any_permission_comes_back(permission: Permission) -> None:
    (again,) = permissions_of(permission_feature(permission))
    assert again == permission


def a_feature(**changes: Any) -> dict[str, Any]:
    properties = {
        "number": "KZ-1",
        "issuer": "authority",
        "valid_from": NOW.isoformat(),
        "valid_until": after(3600).isoformat(),
        "ceiling_m": 120,
        "datum": "AGL",
        **changes,
    }
    return {"type": "Feature", "geometry": mapping(a_square()), "properties": properties}


def test_a_collection_a_list_and_a_plain_object_are_read() -> None:
    (one,) = permissions_of(a_feature())
    assert one.ceiling == Altitude(120, Datum.GROUND)
    assert permissions_of({"type": "FeatureCollection", "features": [a_feature()]}) == (one,)
    assert permissions_of([a_feature(), a_feature(number="KZ-2")])[0] == one
    plain = {**a_feature()["properties"], "area": mapping(a_square())}
    assert permissions_of(plain) == (one,)


def test_wall_times_need_a_zone() -> None:
    given = {"valid_from": "2026-12-01T08:00", "valid_until": "2026-12-01T20:00"}
    (one,) = permissions_of(a_feature(**given, tzid="Asia/Almaty"))
    assert one.valid_from.isoformat() == "2026-12-01T03:00:00+00:00"
    with pytest.raises(ZoneInvalid, match="no offset"):
        permissions_of(a_feature(**given))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"number": ""}, "no number"),
        ({"valid_from": None}, "no valid_from"),
        ({"valid_until": NOW.isoformat()}, "ends before"),
        ({"datum": None}, "without a datum"),
        ({"datum": "moon"}, "no datum"),
        ({"ceiling_m": "high"}, "makes no sense"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ZoneInvalid, match=said):
        permissions_of(a_feature(**change), "file.json")


@pytest.mark.parametrize("document", [None, 3, [], "text", {"type": "FeatureCollection"}])
def test_what_holds_no_permission_is_refused(document: object) -> None:
    with pytest.raises((PlanUnreadable, ZoneInvalid)):
        permissions_of(document, "file.json")
