"""What a start is held against: permissions on hand, and which of them a plan is flown under."""

from dataclasses import replace

from core.ids import AssetId
from geo.positions import Altitude, Datum
from missions.adapters.memory_permissions import MemoryPermissions
from missions.checks import check_plan, is_safe
from missions.model import AssetKind
from missions.permissions import Permission
from station.circumstances import known_circumstances, with_permission
from tests.builders import NOW, a_plan, a_square, after, an_asset

WIDE = Permission(
    "KZ-1", "authority", a_square(half_m=3_000), after(-60), after(7200),
    ceiling=Altitude(200, Datum.HOME),
)  # fmt: skip
NARROW = replace(WIDE, number="KZ-0", area=a_square(half_m=5))


def test_a_drone_without_a_permission_stays_on_the_ground_and_a_car_needs_none() -> None:
    known = known_circumstances(MemoryPermissions())
    found = check_plan(a_plan(), an_asset(), known(an_asset(), NOW))
    assert "permission_missing" in {finding.code for finding in found}
    assert not is_safe(found)
    car = an_asset(kind=AssetKind.VEHICLE)
    assert known(car, NOW).permissions is None


def test_a_plan_names_the_permission_that_covers_it() -> None:
    store = MemoryPermissions()
    for one in (NARROW, replace(WIDE, number="KZ-2", valid_until=after(-1)), WIDE,
                replace(WIDE, number="KZ-3", asset_ids=(AssetId("drone-9"),))):  # fmt: skip
        store.save(one)
    asset = an_asset()
    known = known_circumstances(store)(asset, NOW)
    named = with_permission(a_plan(), asset, known)
    assert named.permission == "KZ-1"
    assert is_safe(check_plan(named, asset, known))
    assert with_permission(replace(a_plan(), permission="X"), asset, known).permission == "X"


def test_the_only_one_that_holds_is_named_even_where_it_does_not_cover_the_flight() -> None:
    store = MemoryPermissions()
    store.save(NARROW)
    asset = an_asset()
    known = known_circumstances(store)(asset, NOW)
    named = with_permission(a_plan(), asset, known)
    assert named.permission == "KZ-0"
    assert "permission_left" in {f.code for f in check_plan(named, asset, known)}
