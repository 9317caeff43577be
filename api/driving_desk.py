"""What drivers may do at their page: sit in a car, see its round, press buttons, say where it is.

A driver sees the car that they sit in, and no other. What they have pressed is kept before anything
else comes of it, and never refused for coming late: a page without a network catches up.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from api.accounts import Account
from api.fleet_desk import asset_of
from api.services import Services
from core.errors import BadRequest, IllegalMove, KeyReused, NotAllowed, QyranError
from core.ids import AssetId, SortieId, fresh_id
from geo.positions import Covariance, GroundPoint
from missions.driving.rounds import Round, check_fits, round_of, stops_of
from missions.driving.taps import ALARMS, SEAT, Tap, TapId, TapKind, alarm, ever_sat, seated
from missions.handoffs.model import Handoff, Occasion
from missions.model import SORTIE_MOVES, Asset, AssetKind, Patrol, Sortie
from telemetry.model import TelemetrySample

ORDERS_LAST = timedelta(minutes=2)
"""A pause that comes later than this is kept, but no vehicle is stopped for it any more."""
AHEAD_MOST = timedelta(minutes=5)
"""A position from further in the future shows a clock that is wrong."""
ONE_SIGMA = math.sqrt(-2.0 * math.log(1.0 - 0.68))
"""Sigmas of the circle that holds 68 % of a round normal distribution."""
ROUGH_M = 100.0
"""A position with a wider circle is one of the mobile network, not of a satellite receiver."""


class TapOutcome(StrEnum):
    """What became of a tap that was sent."""

    KEPT = "kept"
    REPEATED = "repeated"
    """It was kept when it came before."""
    REFUSED = "refused"
    """It says nothing that can be kept; sending it again does not help."""


@dataclass(frozen=True, slots=True)
class TapAnswer:
    """What became of one tap."""

    tap_id: TapId
    outcome: TapOutcome
    code: str = ""
    words: str = ""
    """Why it was refused, or why nothing more comes of it than that it is kept."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A car as its driver sees it."""

    asset: Asset
    seat: Tap
    sortie: Sortie | None
    """Under way; `None` where the car has nothing to do."""
    round: Round
    patrols: tuple[Patrol, ...]
    """What the driver may start; only where nothing is under way."""
    sos: Tap | None
    """The call for help that is still out."""
    call: Handoff | None = None
    """An event that this car is asked to go to, or goes to."""
    street: str = ""
    """On which the car is, by all of its last positions; empty where that is not sure."""


def cars(services: Services) -> list[tuple[Asset, Tap | None]]:
    """Returns every car, with who sits in it."""
    return [
        (asset, seat_of(services, asset.asset_id))
        for asset in services.missions.assets()
        if asset.kind is AssetKind.VEHICLE
    ]


def seat_of(services: Services, asset_id: AssetId) -> Tap | None:
    """Returns the tap by which somebody sits in a car now."""
    return seated(services.taps.taps(asset_id, kinds=SEAT))


def own_car(services: Services, who: Account, asset_id: str) -> tuple[Asset, Tap]:
    """Returns the car that a driver sits in, and since when.

    Raises:
        NotFound: if there is no such asset.
        NotAllowed: if they don't sit in it.
    """
    asset = _car(services, asset_id)
    seat = seat_of(services, asset.asset_id)
    if seat is None or seat.by != who.user_id:
        raise NotAllowed(
            "you don't sit in this car", where=asset_id, cure="take it, or choose your own"
        )
    return asset, seat


def take_seat(services: Services, who: Account, asset_id: str, *, over: bool) -> Sheet:
    """Seats a driver in a car, and out of any other, and returns what they see there.

    Args:
        services: the station.
        who: the driver.
        asset_id: the car.
        over: whether to take it although somebody else sits in it, who is out then.

    Raises:
        NotFound: if there is no such asset.
        BadRequest: if it is no car.
        IllegalMove: if somebody else sits in it, and it is not to be taken over.
    """
    asset = _car(services, asset_id)
    present = seat_of(services, asset.asset_id)
    if present is None or present.by != who.user_id:
        if present is not None and not over:
            raise IllegalMove(
                "somebody else sits in this car",
                where=asset_id,
                cure="choose another, or take over",
            )
        for other, seat in cars(services):
            if seat is not None and seat.by == who.user_id:
                _sit(services, who, other, TapKind.LEAVE)
        _sit(services, who, asset, TapKind.TAKE)
    return sheet(services, who, asset_id)


def leave_seat(services: Services, who: Account, asset_id: str) -> None:
    """Has a driver leave their car; one who does not sit in it is out already.

    Raises:
        NotFound: if there is no such asset.
    """
    asset = _car(services, asset_id)
    seat = seat_of(services, asset.asset_id)
    if seat is not None and seat.by == who.user_id:
        _sit(services, who, asset, TapKind.LEAVE)


def sheet(services: Services, who: Account, asset_id: str) -> Sheet:
    """Returns what a driver sees of their car; raises as `own_car`."""
    asset, seat = own_car(services, who, asset_id)
    sortie = _under_way(services, asset.asset_id)
    here = Round(())
    patrols: tuple[Patrol, ...] = ()
    if sortie is not None:
        taps = services.taps.taps(asset.asset_id, sortie_id=sortie.sortie_id)
        reached = 0 if sortie.progress is None else sortie.progress.reached
        here = round_of(stops_of(sortie.plan), taps, reached)
    elif not asset.passive:
        kept = services.missions.patrols()
        patrols = tuple(one for one in kept if one.asset_id == asset.asset_id and one.route)
    raised = alarm(services.taps.taps(asset.asset_id, kinds=ALARMS))
    street = services.street(asset.asset_id)
    return Sheet(asset, seat, sortie, here, patrols, raised, _call(services, asset), street)


def keep_taps(
    services: Services, who: Account, asset_id: str, taps: Sequence[Tap]
) -> list[TapAnswer]:
    """Keeps what a driver has pressed, in its order, and tells what became of each.

    A call for help is kept from any driver; the rest from whoever sits or has sat in the car.

    Raises:
        NotFound: if there is no such asset.
        BadRequest: if it is no car.
    """
    asset = _car(services, asset_id)
    allowed = ever_sat(services.taps.taps(asset.asset_id, kinds=SEAT), who.user_id)
    answers = []
    for tap in taps:
        try:
            _check(tap, asset, allowed=allowed)
            kept = services.taps.add(tap)
            if kept is not None and not kept.same_press(tap):
                raise KeyReused(
                    "another tap has this id", where=str(tap.tap_id), cure="make a new id"
                )
        except QyranError as error:
            answers.append(TapAnswer(tap.tap_id, TapOutcome.REFUSED, error.code, error.message))
            continue
        answers.append(TapAnswer(tap.tap_id, TapOutcome.REPEATED if kept else TapOutcome.KEPT))
        if kept is None:
            services.live.driver_tapped(tap)
            # the car's own link must not take a driver without a receiver for lost
            services.postbox.alive(TelemetrySample(asset.asset_id, min(tap.at, tap.received_at)))
    return answers


def order_wanted(
    services: Services,
    who: Account,
    asset_id: str,
    taps: Sequence[Tap],
    answers: Sequence[TapAnswer],
) -> tuple[Tap, SortieId] | None:
    """Returns the last pause or going on that is new and still means something to the sortie."""
    fresh = {answer.tap_id for answer in answers if answer.outcome is TapOutcome.KEPT}
    wanted = [t for t in taps if t.kind in (TapKind.PAUSE, TapKind.GO_ON) and t.tap_id in fresh]
    seat = seat_of(services, AssetId(asset_id))
    if not wanted or seat is None or seat.by != who.user_id:
        return None
    tap = wanted[-1]
    sortie_id = services.operations.sortie_of(AssetId(asset_id))
    late = tap.received_at - tap.at > ORDERS_LAST
    if late or sortie_id is None or tap.sortie_id != sortie_id:
        return None
    return tap, sortie_id


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a batch of positions."""

    kept: int
    repeated: int
    """Known already from a batch that was sent before."""
    refused: int
    """Too rough to be of use, or from a clock that is wrong."""


def keep_positions(
    services: Services, who: Account, asset_id: str, samples: Sequence[TelemetrySample]
) -> Posted:
    """Keeps where a driver's phone was; raises as `own_car` where they never sat in that car."""
    asset = _car(services, asset_id)
    if not ever_sat(services.taps.taps(asset.asset_id, kinds=SEAT), who.user_id):
        own_car(services, who, asset_id)
    latest = services.clock.now() + AHEAD_MOST
    good = [
        sample
        for sample in samples
        if sample.at <= latest and (sample.horizontal_sigma_m or math.inf) <= ROUGH_M
    ]
    kept = services.postbox.post(asset.asset_id, good)
    return Posted(kept, len(good) - kept, len(samples) - len(good))


def call_for_help(services: Services, tap: Tap) -> Occasion | None:
    """Returns the event that a new SOS is; `None` where it is over, or nobody knows where it is.

    The press and its event have one id, so a press that comes twice is one event.
    """
    raised = alarm(services.taps.taps(tap.asset_id, kinds=ALARMS))
    if tap.kind is not TapKind.SOS or raised is None:
        return None
    if tap.place is not None:
        lat, lon, sigma_m = tap.place.lat_deg, tap.place.lon_deg, tap.place.radius_m / ONE_SIGMA
    else:
        status = services.operations.status(tap.asset_id)
        position = None if status is None else status.sample.position
        if position is None or status is None:
            return None
        lat, lon = position.lat_deg, position.lon_deg
        sigma_m = status.sample.horizontal_sigma_m or ROUGH_M
    variance = max(1.0, sigma_m) ** 2
    return Occasion(
        f"sos-{tap.tap_id}",
        "sos",
        GroundPoint(lat, lon, Covariance(variance, variance)),
        tap.at,
        caller=tap.asset_id,
    )


def _call(services: Services, asset: Asset) -> Handoff | None:
    """Returns the open event that this very car is asked to go to, or goes to."""
    found = services.handoff_store.handoffs(only_open=True, asset_id=asset.asset_id)
    mine = [one for one in found if one.asset_id == asset.asset_id and one.is_open]
    return mine[-1] if mine else None


def _check(tap: Tap, asset: Asset, *, allowed: bool) -> None:
    """Refuses what can't be kept.

    Raises:
        NotAllowed: if somebody who never sat in the car speaks for it.
        BadRequest: if the tap says nothing.
    """
    if tap.kind in SEAT:
        raise BadRequest(
            "a seat is taken by its own route", where=str(tap.tap_id), cure="POST or DELETE seat"
        )
    if not allowed and tap.kind not in ALARMS:
        raise NotAllowed(
            "you have never sat in this car", where=str(asset.asset_id), cure="take it first"
        )
    check_fits(tap)


def _sit(services: Services, who: Account, asset: Asset, kind: TapKind) -> None:
    now = services.clock.now()
    tap = Tap(TapId(fresh_id("tap")), asset.asset_id, who.user_id, kind, now, now)
    services.taps.add(tap)
    services.live.driver_tapped(tap)


def _car(services: Services, asset_id: str) -> Asset:
    asset = asset_of(services, asset_id)
    if asset.kind is not AssetKind.VEHICLE:
        raise BadRequest("that is no car", where=asset_id, cure="name one of /driving/cars")
    return asset


def _under_way(services: Services, asset_id: AssetId) -> Sortie | None:
    sortie_id = services.operations.sortie_of(asset_id)
    found = [] if sortie_id is None else services.missions.sorties(sortie_id=sortie_id)
    if not found or SORTIE_MOVES.final(found[-1].state):
        return None
    return found[-1]
