"""A station that hands an event off and is killed by SIGKILL at a named moment.

    python -m tests.station.handoff_dying HOME before_plan|before_order|after_start|moving

Its stores are the real ones in HOME; whoever looks at them afterwards is the next station.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from core.ids import AssetId, SortieId, UserId
from missions.events import Decision
from missions.handoffs.model import HandoffState, Occasion
from missions.model import Plan, Sortie
from sim.clock import ManualClock
from station.database import open_database
from station.handing_off import HandingOff
from station.wiring import stores_of
from tests.builders import NOW, an_asset
from tests.missions.handing_off import ANNA, BOLAT, an_occasion
from tests.station.test_handing_off import D1, D2, POLICY, Fleet, InTurn, Scene


def die() -> None:
    """Ends this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


class DyingFleet(Fleet):
    """Operations during which the station dies."""

    moment = ""

    async def go(
        self, plan: Plan, by: UserId, sortie_id: SortieId, *, first_item: int = 0
    ) -> Sortie:
        if self.moment == "before_order":
            die()
        begun = await super().go(plan, by, sortie_id, first_item=first_item)
        if self.moment == "after_start":
            die()
        return begun


class DyingChooser(InTurn):
    """A planner during whose second question the station dies."""

    moment = ""

    def decide(
        self, occasion: Occasion, *, without: Any = (), only: AssetId | None = None
    ) -> Decision:
        if only is not None and self.moment == "before_plan":
            die()
        return super().decide(occasion, without=without, only=only)


class KeptScene(Scene):
    """A scene over the stores of a folder; each is a station of its own."""

    def __init__(self, home: Path, moment: str = "") -> None:
        self.database = open_database(home, migrate=True)
        self.clock = ManualClock(NOW)
        stores = stores_of(self.database, self.clock)
        self.chain, self.store = stores.control, stores.handoffs  # type: ignore[assignment]
        self.missions = stores.missions  # type: ignore[assignment]
        self.moment = moment
        self.chooser = DyingChooser(D1, D2)
        self.chooser.moment = moment
        for asset_id in (D1, D2):
            self.missions.save_asset(an_asset(asset_id=asset_id))
        self.told = []
        self.restart()

    def restart(self) -> None:
        super().restart()
        fleet = DyingFleet(self.missions)
        fleet.moment = self.moment
        self.fleet = fleet
        self.handing = HandingOff(
            self.store, self.missions, fleet, self.chooser, self.desk, self.clock,  # type: ignore[arg-type]
            policy=POLICY, on_change=self._changed,
        )  # fmt: skip
        fleet.handing = self.handing

    def _changed(self, handoff: Any) -> None:
        self.told.append(handoff)
        if self.moment == "moving" and handoff.state is HandoffState.MOVING:
            die()


async def main() -> None:
    """Hands one event off and dies at its moment."""
    scene = KeptScene(Path(sys.argv[1]), sys.argv[2])
    await scene.handing.take_up()
    opened = await scene.handing.open(an_occasion(), ANNA)
    await scene.handing.accept(opened.handoff_id, BOLAT)
    await scene.handing.settled()
    await scene.shows(1.0, 5.0)


if __name__ == "__main__":
    asyncio.run(main())
