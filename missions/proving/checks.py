"""Proves a plan before it is uploaded: the whole way in space and time, returns included.

The autopilot checks single waypoints and explains little; here every leg, circle and column, and
the return from every point of the way, is held against zones, heights, the ground, time, energy,
permission, link, weather and our own other sorties. What is not known is a warning, never an
error. `check_plan` never raises.

A drone without a file of its own is `default_asset`: PX4's multicopter as it leaves the factory.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from core.ids import AssetId
from geo.ports import TerrainModel
from missions.circumstances import Circumstances
from missions.model import Asset, AssetKind, Finding, Plan, Severity
from missions.proving.cures import with_cures
from missions.proving.prover import Prover

FINDING_CODES: Mapping[str, str] = MappingProxyType(
    {
        "mission_empty": "The plan has no step to go to: nothing can be reached or is wanted.",
        "takeoff_missing": "A drone's mission has no take-off.",
        "takeoff_not_first": "Another step comes before take-off.",
        "takeoff_twice": "A mission takes off more than once.",
        "corner_too_fast": "A corner is reached too fast to turn there, and there is no room.",
        "takeoff_too_low": "The take-off height is within a metre of the acceptance radius.",
        "starts_with_landing": "The first step is a landing.",
        "only_return": "Nothing lies between take-off and return.",
        "end_missing": "The mission ends without return or landing; the drone would hover.",
        "item_after_end": "A step follows the return or landing and will not be flown.",
        "item_without_place": "A step that goes somewhere has no place.",
        "altitude_datum": "A step's height counts from another datum than home, home's own or the"
        " ground.",
        "below_home": "A step lies at or below the height of home.",
        "first_step_far": "The first step is more than 10 km from home.",
        "steps_too_close": "Two steps are less than 5 cm apart.",
        "mission_too_long": "The mission has more steps than every vehicle has room for.",
        "home_outside": "Home is outside every inclusion, so the vehicle refuses the fence.",
        "home_excluded": "Home is inside an exclusion, so the vehicle refuses the fence.",
        "waypoint_outside": "A step is outside every inclusion.",
        "waypoint_excluded": "A step is inside an exclusion.",
        "leg_outside": "The way to a step, as wide as corners are cut, leaves the inclusions.",
        "leg_excluded": "The way to a step, as wide as corners are cut, enters an exclusion.",
        "hover_outside": "The circle flown at a step is not free.",
        "column_excluded": "Straight up at take-off or down at landing an exclusion is met.",
        "above_ceiling": "A step, or the way to it, is higher than a ceiling under it.",
        "below_floor": "A step, or the way to it, is lower than a floor under it.",
        "datum_unknown": "A height limit can't be joined with the height of home.",
        "near_ground": "The way is less than 5 m above the ground; a warning where no terrain says"
        " how high the ground is.",
        "terrain_unknown": "No terrain is given, or it does not reach everywhere: the ground is"
        " taken as level at home there.",
        "return_way_blocked": "The planned straight way home is not free.",
        "emergency_way_blocked": "A return ordered on the way to this step would fly straight"
        " through what is closed.",
        "rally_way_blocked": "The same, to the rally point that is nearest there.",
        "return_above_ceiling": "The climb before a return, or the way home, breaks a ceiling.",
        "return_below_floor": "A return is lower than a floor under it.",
        "return_near_ground": "A return is less than 5 m above the ground.",
        "return_height_unknown": "The plan sets no return height; PX4's 30 m is assumed.",
        "rally_outside": "A rally point is outside the fence or in a closed zone.",
        "endurance_exceeded": "The plan takes more time or energy than the asset has.",
        "return_endurance": "From a step on, too little is left to come home.",
        "endurance_tight": "The plan takes more than 85 % of what may be spent.",
        "wind_against": "A step or the way home can't be reached against the wind.",
        "wind_too_strong": "The wind is stronger than the asset may fly in.",
        "too_cold": "It is colder than the asset may fly in.",
        "weather_unknown": "Wind or temperature is not known; still, mild air is assumed.",
        "link_range": "A step is farther from home than the asset is heard.",
        "permission_unknown": "Whether an airspace permission is held is not known.",
        "permission_missing": "No airspace permission is on hand for this flight.",
        "permission_other_asset": "The permission is for other assets.",
        "permission_not_yet_valid": "The permission begins after the start.",
        "permission_expired": "The permission ended before the start.",
        "permission_revoked": "The permission was revoked before the start.",
        "permission_ends_in_flight": "The permission ends while it may still be in the air.",
        "permission_time_unknown": "Whether the permission holds can't be said without a start.",
        "permission_left": "The way leaves the area of the permission.",
        "permission_left_on_return": "A return would leave the area of the permission.",
        "permission_height": "The way is higher or lower than the permission allows.",
        "permission_height_on_return": "A return is higher than the permission allows.",
        "departure_unknown": "Zones have time windows and the start is not known: they count as in"
        " force always.",
        "conflict_with_own": "Another sortie of ours may be near at that time.",
        "conflict_possible": "Another sortie of ours comes near; whether at that time is unknown.",
        "zones_far": "Every flight zone given lies more than 100 km from home.",
        "zone_not_in_force": "A flight zone is not yet active, retired or switched off, or its time"
        " windows are all over: it limits nothing.",
        "zone_datum_assumed": "Heights of zones have no datum: they are read as above the ground.",
        "zone_property_ignored": "Zones have a property that means nothing here.",
        "no_fence": "No inclusion limits this flight.",
        "fence_too_big": "The fence has more corners than PX4 plans its return around (100).",
        "fence_without_height": "The plan passes over or under a zone, but the vehicle's own fence"
        " knows no heights.",
        "item_unsupported": "The autopilot refuses this kind of step at upload.",
        "asset_unknown": "No asset is given; a PX4 quadcopter as it leaves the factory is assumed.",
        "asset_drives": "The plan takes off or lands, and the asset is one that drives.",
        "asset_passive": "The asset is passive: it is never tasked.",
        "asset_far": "The asset is at home more than 100 km from the home of the plan.",
        "asset_field_unknown": "The file of the asset has a field that means nothing here.",
        "not_understood": "The plan's file moves the vehicle in a way that is not understood.",
        "not_carried": "Something of the plan's file that moves nothing was left out.",
        "other_not_understood": "Another sortie's file moves it in a way that is not understood.",
        "spacing_impossible": "A pattern of the plan's file has neither lanes nor a distance of"
        " lanes.",
        "vehicle_other": "The plan's file was made for another kind of vehicle than a multicopter.",
        "speed_assumed": "The plan's file names no speed above 0: another one was taken.",
        "mended_not_written": "Nothing was written: not all of the plan's file is understood.",
        "departure_differs": "The plan was mended for another start than it is checked for.",
        "departure_from_file": "Nobody said when the flight starts: the start in its file counts.",
        "not_provable": "The check itself failed; nothing is proven, so it is an error.",
    }
)
"""Every code that a finding may have, and what it means."""


ASSUMED = frozenset(
    {
        "endurance_exceeded",
        "return_endurance",
        "wind_against",
        "wind_too_strong",
        "too_cold",
        "item_unsupported",
    }
)
"""Errors that hang on limits of the asset, which are only assumed where none is named."""


def default_asset(plan: Plan, endurance_s: float = 1_500.0) -> Asset:
    """Returns the drone that a plan is checked for where none is named.

    PX4's multicopter as it leaves the factory: acceptance radius 2 m (`NAV_ACC_RAD` of its
    multicopters), return at 30 m (`RTL_RETURN_ALT`) to the nearest safe point (`RTL_TYPE` 0);
    25 minutes of flight; the plan's own cruise speed and home.
    """
    return Asset(
        AssetId("unnamed-drone"), "unnamed PX4 quadcopter", AssetKind.DRONE, None,
        max(0.1, plan.cruise_m_s), plan.home, endurance_s=endurance_s,
    )  # fmt: skip


def check_plan(
    plan: Plan,
    asset: Asset,
    circumstances: Circumstances = Circumstances(),  # noqa: B008 - frozen
    *,
    terrain: TerrainModel | None = None,
) -> tuple[Finding, ...]:
    """Returns all findings about a plan, errors first; it never raises.

    Each finding that a change of the plan can cure names the smallest such change, which is
    proven to cure it (`missions.proving.cures`).

    Args:
        plan: what is to be uploaded.
        asset: who is to carry it out.
        circumstances: when, by whose leave, in which air, beside whom; margins.
        terrain: the ground; `None` takes it as level at home, which is a warning.
    """
    prover = Prover(plan, asset, terrain)
    return with_cures(prover, plan, circumstances, prover.findings(plan, circumstances))


def is_safe(findings: Iterable[Finding]) -> bool:
    """Returns whether no finding is an error."""
    return all(finding.severity is not Severity.ERROR for finding in findings)


def as_warnings(findings: tuple[Finding, ...], codes: frozenset[str]) -> tuple[Finding, ...]:
    """Returns findings with those of some codes lowered to warnings: what was only assumed."""
    return tuple(
        replace(one, severity=Severity.WARNING)
        if one.code in codes and one.severity is Severity.ERROR
        else one
        for one in findings
    )
