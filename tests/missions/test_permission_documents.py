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


def test_what_the_list_of_permissions_tells_is_read() -> None:
    (one,) = permissions_of(a_feature())
    assert permissions_of({"permissions": [permission_feature(one)]}) == (one,)
    with pytest.raises(PlanUnreadable):
        permissions_of({"permissions": []})


@pytest.mark.parametrize(
    "window",
    [
        [NOW.isoformat(), after(3600).isoformat()],
        [[NOW.isoformat(), after(3600).isoformat()]],
        {"start": NOW.isoformat(), "end": after(3600).isoformat()},
        {"from": NOW.isoformat(), "to": after(3600).isoformat()},
        {"valid_from": NOW.isoformat(), "valid_until": after(3600).isoformat()},
    ],
)
def test_a_window_is_both_its_ends(window: object) -> None:
    (one,) = permissions_of(a_feature(valid_from=None, valid_until=None, window=window))
    assert (one.valid_from, one.valid_until) == (NOW, after(3600))
    (same,) = permissions_of(a_feature(window=window))
    assert same == one


def test_a_window_may_be_wall_time() -> None:
    times = {"from": "2026-12-01T08:00", "to": "2026-12-01T20:00", "tzid": "Asia/Almaty"}
    (one,) = permissions_of(a_feature(valid_from=None, valid_until=None, window=times))
    assert one.valid_from.isoformat() == "2026-12-01T03:00:00+00:00"


@pytest.mark.parametrize(
    "said",
    [
        {"revoked": True}, {"revoked": "yes"}, {"status": "Revoked"}, {"status": "withdrawn"},
        {"active": False}, {"valid": "false"},
    ],
)  # fmt: skip
def test_what_is_revoked_holds_at_no_time(said: dict[str, object]) -> None:
    (one,) = permissions_of(a_feature(**said))
    assert one.ends_at <= one.valid_from
    assert not one.holds(after(60), after(120))
    assert permissions_of(permission_feature(one)) == (one,)


def test_since_when_it_is_revoked_counts_where_that_is_said() -> None:
    (one,) = permissions_of(a_feature(revoked=True, revoked_at=after(600).isoformat()))
    assert one.ends_at == after(600)
    for fine in ({"revoked": False}, {"status": "approved"}, {"active": True}, {"valid": 1}):
        (one,) = permissions_of(a_feature(**fine))
        assert one.revoked_at is None


@given(st.sampled_from(["ceiling_m", "floor_m", "asset_ids", "valid_until"]), st.data())
def test_a_letter_left_out_loses_no_limit(word: str, data: st.DataObject) -> None:
    feature = a_feature(floor_m=10, asset_ids=["drone-1"])
    value = feature["properties"].pop(word)
    gone = data.draw(st.integers(0, len(word) - 1))
    slip = word[:gone] + word[gone + 1 :]
    try:
        (one,) = permissions_of({**feature, "properties": {**feature["properties"], slip: value}})
    except ZoneInvalid:
        return
    (whole,) = permissions_of(a_feature(floor_m=10, asset_ids=["drone-1"]))
    assert one == whole  # as `asset_id` means it plainly


def test_a_crossing_border_is_told_with_its_place() -> None:
    bow = [[71.3, 50.9], [71.4, 51.1], [71.4, 50.9], [71.3, 51.1], [71.3, 50.9]]
    crossed = {**a_feature(), "geometry": {"type": "Polygon", "coordinates": [bow]}}
    with pytest.raises(ZoneInvalid, match=r"71\.35 51.*longitude latitude"):
        permissions_of(crossed)


def test_a_border_across_the_180th_meridian_is_told_as_that() -> None:
    ring = [[179.9, 50.9], [-179.9, 50.9], [-179.9, 51.0], [179.9, 51.0], [179.9, 50.9]]
    torn = {**a_feature(), "geometry": {"type": "Polygon", "coordinates": [ring]}}
    with pytest.raises(ZoneInvalid, match="180th meridian"):
        permissions_of(torn)


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
        ({"ceiling_m": "high"}, "ceiling_m: 'high' is no number"),
        ({"ceiling_m": None, "celing_m": 30}, "celing_m is not known"),
        ({"ceiling_m": None, "Ceiling_M": 30, "flor_m": 20}, "flor_m is not known"),
        ({"max_height_m": 30}, "max_height_m is not known, and may limit the height"),
        ({"ceiling_ft": 100}, "may limit the height"),
        ({"max_alt": 100}, "may limit the height"),
        ({"hours": "08:00-18:00"}, "may limit the time"),
        ({"revoked": "perhaps"}, "neither true nor false"),
        ({"status": "odd"}, "status 'odd' is not known"),
        ({"valid_from": None, "window": [NOW.isoformat()]}, "not one start and end"),
        ({"window": [["a", "b"], ["c", "d"]]}, "not one start and end"),
        ({"window": {"from": NOW.isoformat(), "rrule": "FREQ=DAILY"}}, "not one start and end"),
        ({"window": [after(5).isoformat(), after(3600).isoformat()]}, "valid_from disagree"),
        ({"until": after(60).isoformat()}, "says valid_until twice"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ZoneInvalid, match=said) as caught:
        permissions_of(a_feature(**change), "file.json")
    assert caught.value.cure
    assert caught.value.where.startswith("file.json, permission 1")


@pytest.mark.parametrize("document", [None, 3, [], "text", {"type": "FeatureCollection"}])
def test_what_holds_no_permission_is_refused(document: object) -> None:
    with pytest.raises((PlanUnreadable, ZoneInvalid)):
        permissions_of(document, "file.json")
