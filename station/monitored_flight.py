"""What the live monitor keeps of one sortie while it is under way, and how its steps are given."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from missions.executor import SortieCommands
from missions.model import Asset, Sortie, SortieState
from missions.monitoring.appeared import KnownZones, proven_against
from missions.monitoring.concerns import Concern, ConcernCode
from missions.monitoring.escalation import Stage, Step, Watch
from missions.monitoring.flight import Situation, Spot, Track
from missions.monitoring.judging import Surroundings
from missions.monitoring.monitored import Monitored
from telemetry.model import TelemetrySample

log = logging.getLogger(__name__)

_ODD_FOR = timedelta(seconds=5)
"""A mode that was not ordered counts when it lasts: orders and our books take a while."""


@dataclass
class MonitoredFlight:
    """One sortie under the monitor; changed on the event loop alone."""

    sortie: Sortie
    asset: Asset
    orders: SortieCommands
    track: Track
    around: Surroundings
    began_at: datetime
    known_zones: KnownZones = field(init=False)
    watch: Watch = Watch()  # noqa: RUF009 - frozen
    situation: Situation | None = None
    before: Spot | None = None
    heard_at: datetime | None = None
    by_sample: tuple[Concern, ...] = ()
    by_time: tuple[Concern, ...] = ()
    by_zones: tuple[Concern, ...] = ()
    weather_at: datetime | None = None
    proving: asyncio.Task[None] | None = None
    odd_since: datetime | None = None
    """Since when its mode is not the one that was ordered."""

    def __post_init__(self) -> None:
        """Begins with the zones that its plan was proven against."""
        self.known_zones = proven_against(self.sortie)

    @property
    def sample(self) -> TelemetrySample | None:
        """The newest that it said; `None` until it did."""
        return None if self.situation is None else self.situation.sample

    @property
    def concerns(self) -> tuple[Concern, ...]:
        """All that is wrong with it now."""
        return (*self.by_zones, *self.by_sample, *self.by_time)

    def take(self, sortie: Sortie) -> None:
        """Takes the newest state of its sortie."""
        held = self.sortie.state is SortieState.HOLDING
        if held and sortie.state is SortieState.UNDERWAY:
            self.known_zones = self.known_zones.gone_on()
        self.sortie = sortie

    def without_lag(self, found: Sequence[Concern], now: datetime) -> tuple[Concern, ...]:
        """Returns concerns without that of a mode that is only ahead of what our books say."""
        if not any(one.code is ConcernCode.MODE_UNEXPECTED for one in found):
            self.odd_since = None
            return tuple(found)
        self.odd_since = self.odd_since or now
        if now - self.odd_since >= _ODD_FOR:
            return tuple(found)
        return tuple(one for one in found if one.code is not ConcernCode.MODE_UNEXPECTED)

    def carry_out(self, step: Step) -> None:
        """Gives the order of a step, or tells its warning."""
        extra = {"sortie_id": self.sortie.sortie_id, "stage": step.stage.name, "code": step.code}
        log.warning("the monitor acts", extra=extra)
        if step.stage is Stage.HELD:
            self.orders.hold(reason_code=step.code, text=step.text)
        elif step.stage is Stage.RETURNING:
            self.orders.bring_home(reason_code=step.code, text=step.text)
        elif step.stage is Stage.LANDING:
            self.orders.land(reason_code=step.code, text=step.text)
        else:
            self.orders.tell(f"warning, {step.text}")

    def shown(self, now: datetime) -> Monitored:
        """Returns what people are shown of it."""
        kept = sorted(
            self.watch.kept.values(),
            key=lambda one: (-one.concern.gravity, one.concern.code, one.concern.about),
        )
        return Monitored(
            self.sortie.sortie_id,
            self.asset.asset_id,
            now,
            self.watch.stage,
            self.watch.manual,
            tuple(one.concern for one in kept),
            tuple(one.since for one in kept),
        )

    def shown_ended(self, now: datetime) -> Monitored:
        """Returns what people are shown when it is no longer monitored."""
        return replace(self.shown(now), concerns=(), since=())


def summary(watch: Watch) -> tuple[object, ...]:
    """Returns what of a watch is told of when it changes."""
    grave = frozenset((key, one.concern.gravity) for key, one in watch.kept.items())
    return watch.stage, watch.manual, grave
