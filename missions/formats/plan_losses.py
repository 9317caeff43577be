"""What a plan holds that fence rings and flat steps can't carry, whichever file they go to."""

from collections.abc import Mapping

from geo.positions import Datum
from geo.zones import Purpose, Zone, ZoneKind
from missions.formats.losses import LossReport
from missions.model import ItemKind, MissionItem, Plan

_HOLDING = (ItemKind.WAYPOINT, ItemKind.LOITER)


def writing_losses(plan: Plan, report: LossReport, target: str, *, own_key: bool = False) -> None:
    """Notes what a `.plan` file or a vehicle does not get of a plan.

    Args:
        plan: what is written.
        report: where losses are noted.
        target: what can't carry it, for the message.
        own_key: whether what is ours alone stands under a key of our own.
    """
    item_losses(plan, report)
    for zone in plan.fences:
        _zone_losses(zone, report, target)
    for n, point in enumerate(plan.rally):
        if point.position.altitude.datum is not Datum.HOME:
            datum = point.position.altitude.datum
            report.error("rally_changed", f"rally point {n}: its height above {datum} is taken"
                         " as above home")  # fmt: skip
    record_losses(plan, report, own_key=own_key)


def item_losses(plan: Plan, report: LossReport) -> None:
    """Notes what of each item its flat steps do not say."""
    for n, item in enumerate(plan.mission.items):
        if item.hold_s and item.kind not in _HOLDING:
            message = f"item {n}: a hold of {item.hold_s:g} s at a {item.kind} is left out"
            report.warning("setting_left_out", message, n)
        if item.loiter_radius_m and item.kind is not ItemKind.LOITER:
            message = f"item {n}: the radius of a {item.kind} is left out"
            report.warning("setting_left_out", message, n)
        if item.acceptance_radius_m and item.kind is not ItemKind.WAYPOINT:
            message = f"item {n}: the acceptance radius of a {item.kind} is left out"
            report.warning("setting_left_out", message, n)
        for why in unsayable(item):
            report.warning("setting_left_out", f"item {n}: {why}", n)


def unsayable(item: MissionItem) -> tuple[str, ...]:
    """Returns which settings of an item mean nothing to a vehicle."""
    wrong: list[str] = []
    if item.speed_m_s is not None and not item.speed_m_s > 0:
        wrong.append(f"a speed of {item.speed_m_s:g} m/s sets none")
    if item.hold_s < 0:
        wrong.append(f"a hold of {item.hold_s:g} s is none")
    if item.trigger_m is not None and item.trigger_m < 0:
        wrong.append(f"a picture every {item.trigger_m:g} m is none")
    if item.acceptance_radius_m is not None and not item.acceptance_radius_m > 0:
        wrong.append(f"an acceptance radius of {item.acceptance_radius_m:g} m is none")
    return tuple(wrong)


def record_losses(plan: Plan, report: LossReport, *, own_key: bool = False) -> None:
    """Notes what of a plan is ours alone.

    Args:
        plan: what is written.
        report: where losses are noted.
        own_key: whether it stands under a key of our own, which a vehicle never sees.
    """
    note = report.info if own_key else report.warning
    fate = "for Qyran alone" if own_key else "left out"
    if plan.return_altitude is not None:
        height = f"the return height of {plan.return_altitude.metres:g} m"
        note("return_height_left_out", f"{height} is {fate}; it is a setting of the vehicle")
    if plan.permission:
        note("permission_left_out", f"permission {plan.permission} is {fate}")
    if plan.patrol_id is not None or plan.expected_s:
        report.info("record_left_out", f"the patrol and the expected time are {fate}")


def _zone_losses(zone: Zone, report: LossReport, target: str) -> None:
    name = f"zone {zone.name or zone.zone_id}"
    if Purpose.FLIGHT not in zone.purposes:
        report.error("fence_changed", f"{name}: a zone that only watches would become a fence")
    if not zone.switched_on:
        report.error("fence_changed", f"{name}: a zone that is switched off would become a fence")
    if zone.kind is ZoneKind.EXCLUSION and zone.floor is not None:
        report.error(
            "fence_changed",
            f"{name}: it is left out, since {target} knows no floor and would close what is below",
        )
    elif zone.ceiling is not None or zone.floor is not None:
        # an exclusion without its ceiling forbids more, an inclusion without limits forbids less
        note = report.error if zone.kind is ZoneKind.INCLUSION else report.warning
        note("height_limit_left_out", f"{name}: {target} knows neither floor nor ceiling")
    if zone.windows:
        report.warning("window_left_out", f"{name}: it would count always, not only at its times")
    holes = sum(len(part.interiors) for part in getattr(zone.area, "geoms", [zone.area]))
    if holes and zone.kind is ZoneKind.INCLUSION:
        report.info("said_otherwise", f"{name}: its {holes} holes become exclusions")
    elif holes:
        report.warning("fence_changed", f"{name}: its {holes} holes are closed as well")
    words: Mapping[str, object] = {
        "owner": zone.owner, "reason": zone.reason, "rules": zone.rules, "priority": zone.priority,
    }  # fmt: skip
    lost = [word for word, value in words.items() if value]
    report.info("zone_words_left_out", f"{name}: its {', '.join(['name', *lost])} is left out")
