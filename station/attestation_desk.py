"""Where the word of pilots whose aircraft can't be commanded reaches their sorties."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.clock import Clock
from core.errors import IllegalMove
from core.ids import AssetId
from missions.attestations import Attestation, checked
from missions.attested_flight import AttestedFlight
from missions.model import Asset, Sortie
from station.patrol_line import Craft
from station.wiring import attested_craft


class AttestationDesk:
    """Opens attested aircraft for their sorties and passes on what is said of them."""

    def __init__(self, clock: Clock) -> None:
        """Takes the station's clock; lives on the event loop that flies the sorties."""
        self._clock = clock
        self._flights: dict[AssetId, AttestedFlight] = {}

    @asynccontextmanager
    async def craft(self, asset: Asset) -> AsyncIterator[Craft]:
        """Opens an aircraft that its pilot speaks for, for one sortie."""
        flight = self._flights[asset.asset_id] = AttestedFlight()
        try:
            yield attested_craft(asset, flight, self._clock)
        finally:
            self._flights.pop(asset.asset_id, None)

    async def tell(self, sortie: Sortie, attestation: Attestation) -> None:
        """Takes what somebody says of a sortie.

        Raises:
            IllegalMove: if the sortie can't start or end now, or is not under way here.
            BadRequest: if it can't have happened then.
        """
        word = checked(sortie, attestation, self._clock.now())
        flight = self._flights.get(sortie.plan.asset_id)
        if flight is None or flight.said(word.what) is not None:
            raise IllegalMove(
                "it was said already, or the sortie is not under way here",
                where=str(sortie.sortie_id),
                cure="see the sortie; after a restart of the station, start it anew",
            )
        flight.tell(word)
