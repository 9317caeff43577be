"""`qyran shift`: what a shift did."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated

import typer

from core.clock import SystemClock
from core.errors import UsageError
from core.recurrence import zone_named
from missions.ports import ScheduleStore
from missions.schedules import OPEN_STATES
from missions.scheduling.shift_report import ShiftReport, report_shift
from station.command import Run, verb
from station.occurrence_listing import instant_of
from station.stores import opened_stores

_SHIFT = timedelta(hours=12)

From = Annotated[
    str | None, typer.Option("--from", help="Its first instant; 12 hours before --to by default.")
]
To = Annotated[str | None, typer.Option("--to", help="Its end; now by default.")]
Zone = Annotated[
    str | None,
    typer.Option("--tz", help="Time zone of times without an offset; the schedules' by default."),
]


@verb
def report(call: Run, since: From = None, until: To = None, tz: Zone = None) -> None:
    """Report a shift: flown, missed and why, still open, grounded."""
    with opened_stores(call.settings) as stores:
        name = tz or _zone_of(stores.schedules)
        zone = zone_named(name)
        end = instant_of(until, zone, "--to") if until else SystemClock().now()
        start = instant_of(since, zone, "--from") if since else end - _SHIFT
        if end <= start:
            raise UsageError("--to is not after --from", cure="give the later one as --to")
        firings = {
            (firing.schedule_id, firing.start): firing
            for firing in (
                *stores.schedules.firings(states=OPEN_STATES, until=end),
                *stores.schedules.firings(since=start - _SHIFT, until=end),
            )
        }
        made = report_shift(
            start,
            end,
            firings=tuple(firings.values()),
            sorties=stores.missions.sorties(),
            patrols=stores.missions.patrols(),
            assets=stores.missions.assets(),
        )
        names = {one.schedule_id: one.name for one in stores.schedules.schedules()}
    document = {
        "from": start,
        "to": end,
        "time_zone": name,
        "counts": {
            "flown": len(made.flown),
            "missed": len(made.missed),
            "open": len(made.open),
            "grounded": len(made.grounded),
        },
        "flown": made.flown,
        "missed": made.missed,
        "missed_by_reason": made.missed_by_reason,
        "open": made.open,
        "grounded": made.grounded,
    }
    call.emit(document, _text(made, zone, {str(key): name for key, name in names.items()}))


def _zone_of(store: ScheduleStore) -> str:
    schedules = store.schedules()
    return schedules[0].timetable.recurrence.time_zone if schedules else "UTC"


def _text(made: ShiftReport, zone: tzinfo, names: dict[str, str]) -> str:
    def at(instant: datetime | None) -> str:
        return "-" if instant is None else f"{instant.astimezone(zone):%a %H:%M}"

    def named(schedule: str | None, patrol: str | None) -> str:
        return names.get(schedule or "", "") or patrol or "-"

    lines = [f"Shift {_day(made.since, zone)} to {_day(made.until, zone)}"]
    lines.append(f"flown {len(made.flown)}")
    for flown in made.flown:
        late = f", {flown.late_s / 60:.0f} min late" if flown.late_s and flown.late_s > 60 else ""
        why = f": {flown.reason}" if flown.reason else ""
        lines.append(
            f"  {at(flown.started_at)}-{at(flown.ended_at)}  {flown.asset_id}  "
            f"{named(flown.schedule_id, flown.patrol_id)}  {flown.state}{why}{late}"
        )
    lines.append(f"missed {len(made.missed)}")
    for missed in made.missed:
        words = f" ({missed.text})" if missed.text else ""
        who = f"{missed.asset_id or '-'}  {named(missed.schedule_id, missed.patrol_id)}"
        lines.append(f"  {at(missed.due_at)}  {who}  {missed.reason}{words}")
    lines.append(f"still open {len(made.open)}")
    for one in made.open:
        words = f" ({one.text})" if one.text else ""
        why = f": {one.reason}" if one.reason else ""
        who = f"{one.asset_id or '-'}  {named(one.schedule_id, one.patrol_id)}"
        lines.append(f"  since {at(one.since)}  {who}  {one.state}{why}{words}")
    lines.append(f"grounded {len(made.grounded)}")
    for asset in made.grounded:
        words = f" ({asset.text})" if asset.text else ""
        lines.append(f"  since {at(asset.since)}  {asset.asset_id}  {asset.reason}{words}")
    return "\n".join(lines)


def _day(instant: datetime, zone: tzinfo) -> str:
    return f"{instant.astimezone(UTC).astimezone(zone):%Y-%m-%d %H:%M %z}"


RUNS = {"report": report}
