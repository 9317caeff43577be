"""What of a decision about an event is drawn: the fleet, the chosen way, the ways not taken."""

from missions.events import Decision
from station.dispatch_file import DispatchCase
from station.plan_sheet import LonLat, Sheet, Way, sheet_of_plan


def sheet_of_decision(case: DispatchCase, decision: Decision) -> Sheet:
    """Returns the drawing of who goes to an event and who does not."""
    event = decision.event
    ways: list[Way] = []
    assets: list[LonLat] = []
    labels: list[tuple[LonLat, str]] = [((event.lon_deg, event.lat_deg), event.kind or "event")]
    for n, candidate in enumerate(decision.candidates):
        chosen = decision.chosen is not None and candidate.asset_id == decision.chosen.asset_id
        places = tuple((lon, lat) for lat, lon in candidate.route)
        if len(places) > 1:
            name = f"{candidate.asset_id}, goes" if chosen else "could go"
            ways.append(Way(places, name, dashed=not chosen, colour=0 if chosen else 6))
        if chosen and candidate.plan is not None and n == 0:
            back = sheet_of_plan(candidate.plan).ways[-1]
            ways.append(Way(back.places, "way back", dashed=True))
    for responder in case.fleet:
        place = (responder.lon_deg, responder.lat_deg)
        assets.append(place)
        of = next(c for c in decision.candidates if c.asset_id == responder.asset.asset_id)
        labels.append((place, f"{responder.asset.asset_id}: {of.reason.replace('_', ' ')}"))
    chosen_id = "nobody" if decision.chosen is None else decision.chosen.asset_id
    seconds = None if decision.chosen is None else decision.chosen.travel_s
    note = "" if seconds is None else f"there in {seconds:.0f} s; {len(case.fleet)} assets"
    return Sheet(
        f"{event.kind or 'Event'}: {chosen_id} goes",
        note,
        tuple(ways),
        zones=case.zones,
        assets=tuple(assets),
        looks=((event.lon_deg, event.lat_deg),),
        labels=tuple(labels),
    )
