"""What a driver has pressed, as progress of the plan that the car is on."""

from collections.abc import Callable

from missions.driving.ports import TapStore
from missions.driving.rounds import round_of, stops_of
from missions.driving.taps import AT_STOPS
from missions.model import SORTIE_MOVES, Plan, Sortie
from missions.ports import MissionStore


def driver_words(missions: MissionStore, taps: TapStore) -> Callable[[Plan], Callable[[], int]]:
    """Returns what tells, for a plan under way, with how many of its places its driver is done."""

    def of_plan(plan: Plan) -> Callable[[], int]:
        sortie = _sortie_of(missions, plan)
        if sortie is None:
            return lambda: 0
        stops = stops_of(plan)

        def done() -> int:
            said = taps.taps(plan.asset_id, sortie_id=sortie.sortie_id, kinds=AT_STOPS)
            return round_of(stops, said, 0).items_done

        return done

    return of_plan


def _sortie_of(missions: MissionStore, plan: Plan) -> Sortie | None:
    """Returns the newest sortie of that very plan that has not ended."""
    for sortie in reversed(missions.sorties(asset_id=plan.asset_id)):
        if sortie.plan == plan and not SORTIE_MOVES.final(sortie.state):
            return sortie
    return None
