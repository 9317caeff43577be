"""The driver's page: a seat in a car, its round, its buttons, its position."""

import logging

from starlette.concurrency import run_in_threadpool

from api import driving_desk as desk
from api.accounts import Role
from api.driving_desk import TapAnswer, TapOutcome
from api.policies import GuardedRouter, roles
from api.requests import ServicesOf, Who
from api.schemas.base import ListOf
from api.schemas.driving import (
    CarOut,
    PositionsBody,
    PostedOut,
    SeatBody,
    SheetOut,
    TapAnswerOut,
    TapsBody,
    TapsOut,
    car_out,
)
from api.services import Services
from core.errors import NotAllowed, QyranError
from core.ids import SortieId, UserId
from missions.driving.taps import Tap, TapKind

router = GuardedRouter("driving")
log = logging.getLogger(__name__)

_DRIVER = roles(Role.DRIVER)


@router.add("GET", "/driving/cars", _DRIVER)
def get_driving_cars(services: ServicesOf, who: Who) -> ListOf[CarOut]:
    """Lists the cars, with the one that this driver sits in."""
    return ListOf(
        items=[
            car_out(asset, mine=seat is not None and seat.by == who.user_id, taken=seat is not None)
            for asset, seat in desk.cars(services)
        ]
    )


@router.add("GET", "/driving/cars/{asset_id}", _DRIVER)
def get_driving_car(services: ServicesOf, who: Who, asset_id: str) -> SheetOut:
    """Gives the driver's own car: its stops, its line, what it is asked."""
    return SheetOut.from_domain(desk.sheet(services, who, asset_id), services)


@router.add("POST", "/driving/cars/{asset_id}/seat", _DRIVER)
def post_driving_seat(
    services: ServicesOf, who: Who, asset_id: str, body: SeatBody | None = None
) -> SheetOut:
    """Seats the driver in a car; where somebody else sits there, only if it is taken over."""
    over = body is not None and body.take_over
    return SheetOut.from_domain(desk.take_seat(services, who, asset_id, over=over), services)


@router.add("DELETE", "/driving/cars/{asset_id}/seat", _DRIVER, status_code=204)
def delete_driving_seat(services: ServicesOf, who: Who, asset_id: str) -> None:
    """Has the driver leave the car."""
    desk.leave_seat(services, who, asset_id)


@router.add("POST", "/driving/cars/{asset_id}/taps", _DRIVER)
async def post_driving_taps(
    services: ServicesOf, who: Who, asset_id: str, body: TapsBody
) -> TapsOut:
    """Keeps what was pressed, each press once however often it is sent."""
    now = services.clock.now()
    taps = [one.to_domain(asset_id, who.user_id, now) for one in body.taps]
    answers = await run_in_threadpool(desk.keep_taps, services, who, asset_id, taps)
    wanted = await run_in_threadpool(desk.order_wanted, services, who, asset_id, taps, answers)
    if wanted is not None:
        answers = await _ordered(services, who.user_id, *wanted, answers)
    for tap, answer in zip(taps, answers, strict=True):
        if answer.outcome is TapOutcome.KEPT and tap.kind is TapKind.SOS:
            await _called(services, who.user_id, tap)
    shown = await run_in_threadpool(_sheet, services, who, asset_id)
    return TapsOut(answers=[TapAnswerOut.from_domain(one) for one in answers], sheet=shown)


@router.add("POST", "/driving/cars/{asset_id}/positions", _DRIVER)
def post_driving_positions(
    services: ServicesOf, who: Who, asset_id: str, body: PositionsBody
) -> PostedOut:
    """Keeps where the driver's phone was; what was sent before is known again."""
    samples = [one.to_domain(asset_id) for one in body.positions]
    posted = desk.keep_positions(services, who, asset_id, samples)
    return PostedOut.from_domain(posted, services.clock.now())


async def _called(services: Services, by: UserId, tap: Tap) -> None:
    """Hands a call for help to who goes there; where that fails, it is kept and told all the same.

    Whoever watches is told of the press itself, so a call that nobody can be sent to is not silent.
    """
    occasion = await run_in_threadpool(desk.call_for_help, services, tap)
    if occasion is None or services.handoffs is None:
        return
    try:
        await services.handoffs.open(occasion, by)
    except QyranError as error:
        log.error("a call for help was not handed on", extra={"reason": str(error)})


async def _ordered(
    services: Services, by: UserId, tap: Tap, sortie_id: SortieId, answers: list[TapAnswer]
) -> list[TapAnswer]:
    """Holds or resumes the sortie; where that is refused, the tap is kept all the same."""
    pause = tap.kind is TapKind.PAUSE
    order = services.operations.hold if pause else services.operations.resume
    try:
        await order(sortie_id, by)
    except QyranError as error:
        return [
            TapAnswer(one.tap_id, one.outcome, error.code, error.message)
            if one.tap_id == tap.tap_id
            else one
            for one in answers
        ]
    return answers


def _sheet(services: Services, who: Who, asset_id: str) -> SheetOut | None:
    try:
        return SheetOut.from_domain(desk.sheet(services, who, asset_id), services)
    except NotAllowed:
        return None
