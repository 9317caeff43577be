"""What geo needs from outside: the height of the ground, and where zones are kept."""

from collections.abc import Sequence
from typing import Protocol

from core.ids import ZoneId
from geo.positions import Altitude
from geo.zones import Purpose, Zone


class TerrainModel(Protocol):
    """The surface on which things stand."""

    @property
    def sigma_m(self) -> float:
        """One-sigma error of the surface's height."""
        ...

    def elevation(self, lat_deg: float, lon_deg: float) -> Altitude:
        """Returns the height of the ground there, with its datum.

        A model that doesn't reach there raises rather than guesses.

        Raises:
            DatumUnknown: if the place is outside the model.
        """
        ...


class ZoneStore(Protocol):
    """Keeps zones; a zone is never changed in place but replaced by its next version."""

    def add(self, zone: Zone) -> Zone:
        """Keeps a new zone and returns it.

        Raises:
            VersionConflict: if a zone of that id is there already.
        """
        ...

    def get(self, zone_id: ZoneId) -> Zone:
        """Returns the newest version.

        Raises:
            NotFound: if there is none.
        """
        ...

    def find(self, purpose: Purpose | None = None, *, active: bool = True) -> Sequence[Zone]:
        """Returns zones in order of their id; maybe none.

        With `active`, of each zone the version that stands, where that one is switched on: a
        draft or a reviewed version changes nothing. Without it, the newest version of each.
        """
        ...

    def replace(self, zone: Zone, expected_version: int) -> Zone:
        """Keeps the next version and returns it; the old one stays in the history.

        Raises:
            NotFound: if there is no such zone.
            VersionConflict: if the newest version is not `expected_version`.
        """
        ...

    def history(self, zone_id: ZoneId) -> Sequence[Zone]:
        """Returns every version, oldest first; none where there is no such zone."""
        ...
