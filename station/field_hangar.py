"""The hangar of a real station: autopilots by MAVSDK or DroneKit, cameras by their streams."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from core.clock import Clock
from core.errors import SourceMissing, VehicleUnreachable
from incidents.ports import EvidenceVault
from missions.failsafes.authorisation import ArmAuthoriser
from missions.model import Asset, AssetKind, Autopilot, Plan, Sortie
from station.attestation_desk import AttestationDesk
from station.patrol_line import Craft, View
from station.settings import Settings
from station.wiring import (
    crewed_craft,
    dronekit_craft,
    mavsdk_craft,
    stream_evidence,
    stream_source,
)
from telemetry.posted import Postbox


class FieldHangar:
    """A `station.operations.Hangar` over real vehicles."""

    def __init__(
        self,
        clock: Clock,
        vault: EvidenceVault,
        settings: Settings,
        postbox: Postbox,
        done_with: Callable[[Plan], Callable[[], int]],
    ) -> None:
        """Takes what it opens vehicles with.

        Args:
            clock: the station's.
            vault: where evidence goes.
            settings: the station's.
            postbox: where phones and receivers of cars hand in positions.
            done_with: tells with how many places of a car's plan its driver is done.
        """
        self._clock, self._vault, self._settings = clock, vault, settings
        self._postbox, self._done_with = postbox, done_with
        self.attestations = AttestationDesk(clock)
        """Takes the word of pilots whose aircraft can't be commanded."""
        self.authoriser: ArmAuthoriser | None = None
        """Answers vehicles that ask whether they may arm; without one they are not answered."""

    def craft(self, asset: Asset) -> AbstractAsyncContextManager[Craft]:
        """Opens the way to a vehicle for one sortie.

        Raises:
            VehicleUnreachable: if there is no way that this station knows.
        """
        if asset.kind is AssetKind.VEHICLE:
            return crewed_craft(asset, self._postbox, self._clock, self._done_with, self._settings)
        if asset.attested:
            return self.attestations.craft(asset)
        if not asset.address:
            raise VehicleUnreachable(
                "no autopilot address is known",
                where=str(asset.asset_id),
                cure="give its address, such as udpin://0.0.0.0:14540, by qyran assets import",
            )
        if asset.autopilot is Autopilot.ARDUPILOT:  # which never asks
            return dronekit_craft(asset, asset.address, self._clock, self._settings)
        return mavsdk_craft(
            asset, asset.address, self._clock, self._settings, authoriser=self.authoriser
        )

    def view(self, asset: Asset, sortie: Sortie) -> View:
        """Opens the asset's stream for one sortie.

        Raises:
            SourceMissing: if no stream is known.
        """
        if asset.camera is None or not asset.video:
            raise SourceMissing(
                "no camera or stream address is known",
                where=str(asset.asset_id),
                cure="give its camera and video by qyran assets import",
            )
        camera_id = asset.camera.camera_id
        evidence = stream_evidence(camera_id, self._vault, self._settings)
        source = stream_source(asset.video, camera_id, evidence.tap, live=True)
        return View(source, evidence, landed=source.close, cut=source.close)
