"""Who may fly or drive what, and when they are on duty."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from scipy.optimize import linear_sum_assignment

from core.ids import AssetId, UserId
from core.recurrence import Recurrence, Span
from missions.model import Asset, AssetKind

SHORTEST_DUTY = timedelta(minutes=5)
"""A shorter stretch with an asset is no use: it takes that long to be ready."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who flies or drives."""

    user_id: UserId
    kinds: frozenset[AssetKind]
    """What they are qualified for."""
    asset_ids: frozenset[AssetId] = frozenset()
    """Only these assets; empty means all of those kinds."""
    shifts: tuple[Recurrence, ...] = ()
    """When they are on duty; without any they never are."""
    name: str = ""


@dataclass(frozen=True, slots=True)
class DutyPolicy:
    """How many assets one person may have in hand at once."""

    drones_per_pilot: int = 1
    """A car has its driver to itself, always."""

    def __post_init__(self) -> None:
        """Refuses a policy that makes no sense.

        Raises:
            ValueError: if it allows no drone at all.
        """
        if self.drones_per_pilot < 1:
            raise ValueError(f"a pilot must be allowed a drone, not {self.drones_per_pilot}")


@dataclass(frozen=True, slots=True)
class Crew:
    """A person with an asset for a stretch of time."""

    asset_id: AssetId
    user_id: UserId
    span: Span


def qualified(person: Person, asset: Asset) -> bool:
    """Returns whether a person may fly or drive an asset."""
    named = not person.asset_ids or asset.asset_id in person.asset_ids
    return named and asset.kind in person.kinds


def on_duty(people: Sequence[Person], at: datetime) -> tuple[Person, ...]:
    """Returns those who are on duty at an instant, in their order."""
    return tuple(p for p in people if any(shift.covers(at) for shift in p.shifts))


def duty_spans(person: Person, start: datetime, end: datetime) -> tuple[Span, ...]:
    """Returns when a person is on duty in [start, end): in order, none touching another."""
    found = sorted(
        (max(span.start, start), min(span.end, end))
        for shift in person.shifts
        for span in shift.spans(start, end)
    )
    merged: list[tuple[datetime, datetime]] = []
    for begin, finish in found:
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], finish))
        elif finish > begin:
            merged.append((begin, finish))
    return tuple(Span(*one) for one in merged)


def available(
    people: Sequence[Person],
    asset: Asset,
    at: datetime,
    in_hand: Sequence[tuple[UserId, AssetKind]] = (),
    policy: DutyPolicy = DutyPolicy(),
) -> tuple[Person, ...]:
    """Returns who could take an asset at an instant, the least busy first.

    Args:
        people: all there are.
        asset: to be taken; a passive one is never.
        at: the instant.
        in_hand: who has which kind of asset in hand then, once for each asset.
        policy: how many drones a pilot may have.
    """
    if asset.passive:
        return ()
    fit: list[tuple[int, Person]] = []
    for person in on_duty(people, at):
        drones = sum(1 for who, kind in in_hand if who == person.user_id and _flies(kind))
        cars = sum(1 for who, kind in in_hand if who == person.user_id and not _flies(kind))
        most = policy.drones_per_pilot if _flies(asset.kind) else 1
        if qualified(person, asset) and not cars and drones < most:
            if _flies(asset.kind) or not drones:
                fit.append((drones, person))
    return tuple(person for _, person in sorted(fit, key=lambda one: one[0]))


def _flies(kind: AssetKind) -> bool:
    return kind is AssetKind.DRONE


def crews(
    people: Sequence[Person],
    assets: Sequence[Asset],
    start: datetime,
    end: datetime,
    policy: DutyPolicy = DutyPolicy(),
) -> tuple[Crew, ...]:
    """Returns who takes which asset when, so that assets are crewed as long as can be.

    In rounds: each gives every person at most one more stretch, chosen so that the crewed time
    of the round is greatest; it ends when nothing is left to give. Passive assets get nobody.
    The same input gives the same crews.
    """
    assets = [asset for asset in assets if not asset.passive]
    free = [list(duty_spans(person, start, end)) for person in people]
    crewless = [[Span(start, end)] for _ in assets]
    found: list[Crew] = []
    found += _rounds(people, assets, free, crewless, drones_only=False)
    # further drones for pilots who have one in hand, as the policy allows
    for _ in range(policy.drones_per_pilot - 1):
        more = [
            [c.span for c in found if c.user_id == person.user_id and _is_drone(c, assets)]
            for person in people
        ]
        more = [_merged(spans) for spans in more]
        found += _rounds(people, assets, more, crewless, drones_only=True)
    return tuple(sorted(found, key=lambda c: (c.asset_id, c.span.start, c.user_id)))


def _is_drone(crew: Crew, assets: Sequence[Asset]) -> bool:
    return any(a.asset_id == crew.asset_id and _flies(a.kind) for a in assets)


def _merged(spans: Sequence[Span]) -> list[Span]:
    """Returns the times that any of the spans holds."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda one: one.start):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def _rounds(
    people: Sequence[Person],
    assets: Sequence[Asset],
    free: list[list[Span]],
    crewless: list[list[Span]],
    *,
    drones_only: bool,
) -> list[Crew]:
    found: list[Crew] = []
    while people and assets:
        gain_s = np.zeros((len(people), len(assets)))
        spans: dict[tuple[int, int], Span] = {}
        for row, person in enumerate(people):
            for column, asset in enumerate(assets):
                if not qualified(person, asset) or (drones_only and not _flies(asset.kind)):
                    continue
                span = _longest(free[row], crewless[column])
                if span is not None:
                    spans[row, column] = span
                    gain_s[row, column] = (span.end - span.start).total_seconds()
        if not spans:
            break
        rows, columns = linear_sum_assignment(gain_s, maximize=True)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if (row, column) in spans:
                span = spans[row, column]
                found.append(Crew(assets[column].asset_id, people[row].user_id, span))
                free[row] = _without(free[row], span)
                crewless[column] = _without(crewless[column], span)
    return found


def _longest(some: Sequence[Span], others: Sequence[Span]) -> Span | None:
    """Returns the longest stretch that both have, the earliest of equals."""
    common = [
        Span(max(a.start, b.start), min(a.end, b.end))
        for a in some
        for b in others
        if min(a.end, b.end) - max(a.start, b.start) >= SHORTEST_DUTY
    ]
    return max(common, key=lambda s: (s.end - s.start, -s.start.timestamp()), default=None)


def _without(spans: Sequence[Span], taken: Span) -> list[Span]:
    left = []
    for span in spans:
        if span.end <= taken.start or taken.end <= span.start:
            left.append(span)
            continue
        if span.start < taken.start:
            left.append(Span(span.start, taken.start))
        if taken.end < span.end:
            left.append(Span(taken.end, span.end))
    return left
