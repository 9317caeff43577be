"""The one watch over flights: judges every sample of every drone under way, orders what follows.

It also looks at what no sample says: zones that have come into force since a plan was proven,
permissions that end, the air, silence.

Samples come from any thread and are judged on the event loop, where orders are given. What needs
a store, the weather or a proof is fetched in a thread of its own, once a second or when it is
wanted, so that no sample waits for it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from core.clock import Clock
from core.errors import QyranError
from core.ids import AssetId
from geo.ports import TerrainModel, ZoneStore
from geo.zones import Purpose, Zone
from missions.executor import SortieCommands
from missions.model import Asset, AssetKind, Sortie, SortieState
from missions.monitoring.appeared import Key, KnownZones, look
from missions.monitoring.concerns import Concern, ConcernCode
from missions.monitoring.escalation import WayBack, escalate
from missions.monitoring.flight import situation_of, track_of
from missions.monitoring.flight_rules import link_concern
from missions.monitoring.judging import Surroundings, judge_sample, judge_time, judge_unheard
from missions.monitoring.monitored import Monitored
from missions.monitoring.policy import MonitorPolicy
from missions.monitoring.zone_index import KNOWN, ZoneIndex
from missions.permissions import Permission
from missions.weather import Weather
from station.monitored_flight import MonitoredFlight, summary
from station.settings import MonitorSettings
from station.ways_back import in_flight, way_back, words_of_appeared
from telemetry.model import TelemetrySample, VehicleMode

log = logging.getLogger(__name__)

_IN_AIR = (SortieState.UNDERWAY, SortieState.HOLDING, SortieState.RETURNING)
_WEATHER_EVERY = timedelta(seconds=60)
_SAME_INDEX_DEG = 0.05
"""Homes so near to each other share an index: some kilometres."""

WeatherAt = Callable[[Asset, datetime], Weather | None]


class UnderWay(Protocol):
    """The part of the station's operations that is needed."""

    def under_way(self) -> Sequence[tuple[Sortie, Asset, SortieCommands]]:
        """Returns the sorties that are under way, each with the way to order it."""
        ...


class _ProofWanted(Exception):
    """A return is wanted whose proof has not been made yet."""

    def __init__(self, code: ConcernCode) -> None:
        self.code = code


class LiveMonitor:
    """Watches the flights of a station; `heard` may be called on any thread."""

    def __init__(
        self,
        operations: UnderWay,
        zones: ZoneStore,
        permissions: Callable[[], Sequence[Permission]],
        clock: Clock,
        *,
        policy: MonitorPolicy = MonitorPolicy(),  # noqa: B008 - frozen
        weather: WeatherAt | None = None,
        terrain: TerrainModel | None = None,
        on_change: Callable[[Monitored], None] = lambda monitored: None,
        every: timedelta = timedelta(seconds=1),
    ) -> None:
        """Takes what it works with.

        Args:
            operations: the sorties under way and their orders.
            zones: the station's zones.
            permissions: returns those on hand.
            clock: the station's clock.
            policy: when it warns and when it orders.
            weather: the newest at an asset's home; `None` where nothing is set, so that the air
                is not looked at. It may block.
            terrain: joins heights above ground.
            on_change: told when what is wrong with a flight, or its stage, changes.
            every: how often it looks at what is no sample.
        """
        self._operations, self._zones, self._permissions = operations, zones, permissions
        self._clock, self._policy, self._weather = clock, policy, weather
        self._terrain, self._on_change, self._every = terrain, on_change, every
        self._flights: dict[AssetId, MonitoredFlight] = {}
        self._came: deque[TelemetrySample] = deque(maxlen=100_000)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._flight_zones: tuple[Zone, ...] = ()
        self._indices: dict[tuple[int, int], ZoneIndex] = {}

    def heard(self, sample: TelemetrySample) -> None:
        """Takes a sample; it is judged on the event loop as soon as that is free."""
        self._came.append(sample)
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(self.drain)
            except RuntimeError:
                self._loop = None  # the station ends

    def monitored(self) -> tuple[Monitored, ...]:
        """Returns every flight under way with what is wrong with it, in order of its asset."""
        return tuple(f.shown(self._clock.now()) for _, f in sorted(self._flights.items()))

    async def run(self) -> None:
        """Watches until it is cancelled; a fault of a store is logged and tried again."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    await self.turn()
                except QyranError as error:
                    log.error("flights could not be monitored", extra={"reason": str(error)})
                except Exception:  # a fault of our own must not end the watch in silence
                    log.exception("flights could not be monitored")
                await self._clock.sleep_until(self._clock.now() + self._every)
        finally:
            self._loop = None

    async def settled(self) -> None:
        """Returns once no proof of a return is being made."""
        while proofs := [f.proving for f in self._flights.values() if f.proving is not None]:
            await asyncio.gather(*proofs, return_exceptions=True)

    async def turn(self) -> None:
        """Looks once at who is under way, at zones, air, permissions, and at who is silent.

        Raises:
            StoreUnreadable: if a store fails; the next turn goes on.
        """
        flying = [
            one
            for one in self._operations.under_way()
            if one[1].kind is AssetKind.DRONE and one[0].state in _IN_AIR
        ]
        present = {asset.asset_id: sortie.sortie_id for sortie, asset, _ in flying}
        for asset_id, flight in list(self._flights.items()):
            if present.get(asset_id) != flight.sortie.sortie_id:
                del self._flights[asset_id]
                self._on_change(flight.shown_ended(self._clock.now()))
        if not flying:
            return
        zones = tuple(await asyncio.to_thread(self._zones.find, Purpose.FLIGHT))
        permissions = tuple(await asyncio.to_thread(self._permissions))
        now = self._clock.now()
        self._refresh(zones, now)
        holding = {(zone.zone_id, zone.version): zone for zone in zones if zone.in_force(now)}
        for sortie, asset, orders in flying:
            known = self._known(sortie, asset, orders, now)
            weather = await self._air(known, now)
            index = self._index(asset, now)
            known.around = Surroundings(index, weather, permissions)
            if known.track.frame is not index.frame:
                known.track = track_of(sortie.plan, asset, index.frame, sortie.guided)
                known.before = None
        self.drain()
        for flight in list(self._flights.values()):
            await self._look_at_zones(flight, holding, now)
        now = self._clock.now()
        for flight in list(self._flights.values()):
            self._look_by_time(flight, now)

    def drain(self) -> None:
        """Judges all samples that have come; to be called on the event loop."""
        while self._came:
            sample = self._came.popleft()
            flight = self._flights.get(sample.asset_id)
            if flight is None:
                continue
            try:
                self._judge(flight, sample, self._clock.now())
            except Exception:  # one bad sample must not keep the others from being judged
                log.exception("a sample could not be judged", extra={"asset": sample.asset_id})

    def _judge(self, flight: MonitoredFlight, sample: TelemetrySample, now: datetime) -> None:
        flight.heard_at = now
        situation = situation_of(flight.track, flight.sortie.state, sample)
        flight.situation = situation
        found = judge_sample(situation, flight.before, flight.around, self._policy, now)
        flight.by_sample = flight.without_lag(found, now)
        flight.before = situation.spot
        self._advance(flight, now)

    def _look_by_time(self, flight: MonitoredFlight, now: datetime) -> None:
        around, situation = flight.around, flight.situation
        if situation is None or situation.spot is None:
            flight.by_time = judge_unheard(flight.sortie.plan, around, self._policy, now)
        else:
            found = judge_time(situation, around, self._policy, now)
            looks = self._weather is not None
            unknown = ConcernCode.WEATHER_UNKNOWN
            flight.by_time = tuple(one for one in found if looks or one.code is not unknown)
        silent = link_concern(flight.heard_at, flight.began_at, self._policy, now)
        if silent is not None and not flight.sortie.attested:  # who never speaks is not lost
            flight.by_sample = ()  # what it said last is no longer so
            flight.by_time = (*flight.by_time, silent)
        self._advance(flight, now)

    def _advance(self, flight: MonitoredFlight, now: datetime, back: WayBack | None = None) -> None:
        """Takes in what is wrong, and orders what follows."""

        def proven(concern: Concern) -> WayBack:
            if back is None:
                raise _ProofWanted(concern.code)
            return back

        if flight.proving is not None and back is None:
            return  # the next step waits for the proof
        before = flight.watch
        sample = flight.sample
        try:
            flight.watch, steps = escalate(
                before,
                flight.concerns,
                flight.sortie.state,
                self._policy,
                now,
                proven,
                flies_mission=_taken_back(flight.sortie, sample),
            )
        except _ProofWanted as wanted:
            proof = self._prove(flight, now, wanted.code)
            flight.proving = asyncio.ensure_future(proof)
            return
        for step in steps:
            flight.carry_out(step)
        if steps or summary(before) != summary(flight.watch):
            self._on_change(flight.shown(now))

    async def _prove(self, flight: MonitoredFlight, now: datetime, code: ConcernCode) -> None:
        try:
            zones = self._flight_zones
            back = await asyncio.to_thread(way_back, flight, code, zones, now, self._terrain)
        except Exception as error:  # no proof is no proof: it is held for a person
            log.exception("a return could not be proven")
            back = WayBack(False, f"it could not be looked at: {error}")
        flight.proving = None
        if flight is self._flights.get(flight.asset.asset_id):
            self._advance(flight, self._clock.now(), back)

    async def _look_at_zones(
        self, flight: MonitoredFlight, holding: Mapping[Key, Zone], now: datetime
    ) -> None:
        """Takes in which zones have appeared to a flight since its plan was proven."""
        there, zones, terrain = in_flight(flight), self._flight_zones, self._terrain

        def looked() -> KnownZones:
            def words(zone: Zone) -> str:
                return words_of_appeared(flight, zones, now, terrain)

            return look(flight.known_zones, there, holding, now, terrain, words)

        if flight.known_zones.open or flight.known_zones.judged != holding.keys():
            flight.known_zones = await asyncio.to_thread(looked)
        flight.by_zones = () if there is None else flight.known_zones.concerns(there, now)

    def _known(
        self, sortie: Sortie, asset: Asset, orders: SortieCommands, now: datetime
    ) -> MonitoredFlight:
        flight = self._flights.get(asset.asset_id)
        if flight is None:
            index = self._index(asset, now)
            track = track_of(sortie.plan, asset, index.frame)
            flight = MonitoredFlight(sortie, asset, orders, track, Surroundings(index), now)
            self._flights[asset.asset_id] = flight
        if flight.sortie.guided != sortie.guided:
            flight.track = track_of(sortie.plan, asset, flight.track.frame, sortie.guided)
        flight.take(sortie)
        return flight

    async def _air(self, flight: MonitoredFlight, now: datetime) -> Weather | None:
        if self._weather is None:
            return None
        if flight.weather_at is not None and now - flight.weather_at < _WEATHER_EVERY:
            return flight.around.weather
        flight.weather_at = now
        return await asyncio.to_thread(self._weather, flight.asset, now)

    def _refresh(self, zones: tuple[Zone, ...], now: datetime) -> None:
        """Forgets the indices where a zone was changed, switched on or off, or hours run out."""
        if _versions(zones) != _versions(self._flight_zones):
            self._indices.clear()
            self._flight_zones = zones
        for key, index in list(self._indices.items()):
            if not timedelta(0) <= now - index.made_at < KNOWN:
                del self._indices[key]

    def _index(self, asset: Asset, now: datetime) -> ZoneIndex:
        lat, lon = asset.home.lat_deg, asset.home.lon_deg
        key = (round(lat / _SAME_INDEX_DEG), round(lon / _SAME_INDEX_DEG))
        if key not in self._indices:
            self._indices[key] = ZoneIndex(self._flight_zones, lat, lon, now, self._terrain)
        return self._indices[key]


def monitor_policy(settings: MonitorSettings) -> MonitorPolicy:
    """Returns the policy that the settings ask for; what they do not name stays as it is."""
    return MonitorPolicy(
        ahead_s=settings.ahead_s,
        margin_m=settings.margin_m,
        route_margin_m=settings.route_margin_m,
        sigma_most_m=settings.sigma_most_m,
        stale_s=settings.stale_s,
        energy_spare_fraction=settings.energy_spare_fraction,
        permission_spare_s=settings.permission_spare_s,
        hold_most_s=settings.hold_most_s,
    )


def _taken_back(sortie: Sortie, sample: TelemetrySample | None) -> bool:
    """Returns whether a flight is the station's to order: never while a pilot has it in hand.

    Whoever flew by hand gives it back by an order to go on or to return, and the mode shows it;
    a mode alone, which the pilot's own switch may have set, is no such order.
    """
    mode = None if sample is None else sample.mode
    return not sortie.by_hand and mode in (VehicleMode.MISSION, VehicleMode.RETURN)


def _versions(zones: Sequence[Zone]) -> set[tuple[str, int, bool]]:
    return {(zone.zone_id, zone.version, zone.switched_on) for zone in zones}
