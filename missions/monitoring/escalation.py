"""What is done about concerns: warn, hold, return, land; a pure state machine for each sortie.

It only ever goes up. An order is given once what it is for has lasted (`confirm_s`) beyond every
doubt; going back down is for people. A low battery, weather, a permission and hours that begin
go from the warning straight to the return: a hold would spend what is lacking. So does a zone that
has appeared, where the return is a proven way out of it. That and a permission that has ended are
facts and no measurements: they need not last.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum

from missions.model import SortieState
from missions.monitoring.concerns import Concern, ConcernCode, Gravity
from missions.monitoring.policy import MonitorPolicy

_C = ConcernCode
_HOLDS = frozenset({_C.ZONE_BREACH, _C.ZONE_AHEAD, _C.OFF_ROUTE, _C.POSITION_UNCERTAIN})
_RETURNS = frozenset(
    {
        _C.ENERGY_LOW,
        _C.WEATHER_OUT,
        _C.PERMISSION_ENDING,
        _C.PERMISSION_ENDED,
        _C.ZONE_BEGINS,
        _C.ZONE_APPEARED,
    }
)
ORDERED_FOR = _HOLDS | _RETURNS
"""What something is ordered for; the others are only warned of."""
_AT_ONCE = frozenset({_C.ZONE_APPEARED, _C.PERMISSION_ENDED})


class Stage(IntEnum):
    """How far the monitor has gone with one sortie."""

    CALM = 0
    WARNED = 1
    HELD = 2
    RETURNING = 3
    LANDING = 4


@dataclass(frozen=True, slots=True)
class WayBack:
    """Whether the vehicle's own return is a proven way out, and why or what is instead."""

    proven: bool
    why: str
    """Where it is not proven: the way that a person should fly, if there is one."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A concern while it lasts."""

    concern: Concern
    since: datetime
    seen_at: datetime
    grave_since: datetime | None
    """Since when without a break it is beyond doubt."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done, for the log and the vehicle."""

    stage: Stage
    code: ConcernCode
    text: str


@dataclass(frozen=True, slots=True)
class Watch:
    """What the monitor knows of one sortie; each step makes the next."""

    stage: Stage = Stage.CALM
    manual: bool = False
    """A pilot flies by hand: nothing is ordered until the mission goes on."""
    kept: Mapping[tuple[ConcernCode, str], Kept] = field(default_factory=dict)
    held_at: datetime | None = None
    tried_at: datetime | None = None
    """When a return was last asked for its proof."""
    ordered_at: datetime | None = None
    """When something was last ordered."""

    @property
    def concerns(self) -> tuple[Concern, ...]:
        """What is wrong now, the gravest first."""
        found = [one.concern for one in self.kept.values()]
        return tuple(sorted(found, key=lambda one: (-one.gravity, one.code, one.about)))


def escalate(
    watch: Watch,
    concerns: Sequence[Concern],
    state: SortieState,
    policy: MonitorPolicy,
    now: datetime,
    way_back: Callable[[Concern], WayBack],
    *,
    flies_mission: bool = True,
) -> tuple[Watch, tuple[Step, ...]]:
    """Returns what is known from now on, and what is done.

    Args:
        watch: what was known.
        concerns: what is wrong now.
        state: of the sortie, as the vehicle has shown it.
        policy: times.
        now: the present instant.
        way_back: asked only when a return is wanted, with what it is wanted for; it may take a
            while.
        flies_mission: the vehicle is in its mission mode, which ends a flight by hand.
    """
    kept, fresh = _remember(watch.kept, concerns, policy, now)
    steps = [Step(Stage.WARNED, one.code, _words(one)) for one in fresh]
    watch = replace(watch, kept=kept, stage=max(watch.stage, Stage.WARNED if kept else watch.stage))
    by_hand = any(one.code is _C.MANUAL_CONTROL for one in concerns)
    if by_hand:
        return replace(watch, manual=True), tuple(steps)
    if watch.manual:
        if not flies_mission:
            return watch, tuple(steps)
        # who goes on with the mission takes it out of the monitor's hands: it begins anew
        watch = replace(watch, manual=False, stage=Stage.WARNED, held_at=None, ordered_at=None)
    stage = _shown(watch, state, policy, now)
    watch = replace(watch, stage=stage)
    watch, step = _order(watch, state, policy, now, way_back)
    if step is not None:
        steps.append(step)
    return watch, tuple(steps)


def _remember(
    before: Mapping[tuple[ConcernCode, str], Kept],
    concerns: Sequence[Concern],
    policy: MonitorPolicy,
    now: datetime,
) -> tuple[dict[tuple[ConcernCode, str], Kept], list[Concern]]:
    """Returns what lasts, and what is new or has become graver."""
    settle = timedelta(seconds=policy.settle_s)
    kept = {key: one for key, one in before.items() if now - one.seen_at < settle}
    fresh = []
    named = {one.key for one in concerns}
    for key, one in list(kept.items()):
        if key not in named and one.grave_since is not None:
            kept[key] = replace(one, grave_since=None)
    for concern in concerns:
        known = kept.get(concern.key)
        grave = concern.gravity >= Gravity.ACT
        if known is None:
            fresh.append(concern)
            kept[concern.key] = Kept(concern, now, now, now if grave else None)
            continue
        if concern.gravity > known.concern.gravity and concern.gravity is Gravity.LAST:
            fresh.append(concern)
        since = (known.grave_since or now) if grave else None
        kept[concern.key] = Kept(concern, known.since, now, since)
    return kept, fresh


def _shown(watch: Watch, state: SortieState, policy: MonitorPolicy, now: datetime) -> Stage:
    """Returns the stage by what the vehicle shows: an order that it did not obey is given again."""
    stage = watch.stage
    if state is SortieState.RETURNING:
        return max(stage, Stage.RETURNING)
    ordered = watch.ordered_at
    obeyed_by = None if ordered is None else ordered + timedelta(seconds=policy.retry_s)
    if stage is Stage.RETURNING and obeyed_by is not None and now >= obeyed_by:
        return Stage.HELD if state is SortieState.HOLDING else Stage.WARNED
    if stage is Stage.HELD and state is SortieState.UNDERWAY:
        if obeyed_by is not None and now >= obeyed_by:
            return Stage.WARNED  # a person went on, or it did not obey
    return stage


def _order(
    watch: Watch,
    state: SortieState,
    policy: MonitorPolicy,
    now: datetime,
    way_back: Callable[[Concern], WayBack],
) -> tuple[Watch, Step | None]:
    confirm = timedelta(seconds=policy.confirm_s)
    grave = [
        one.concern
        for one in watch.kept.values()
        if one.grave_since is not None
        and (now - one.grave_since >= confirm or one.concern.code in _AT_ONCE)
    ]
    if not grave or watch.stage is Stage.LANDING:
        return watch, None
    lasts = (one for one in grave if one.gravity is Gravity.LAST and one.code is _C.ENERGY_LOW)
    last = next(lasts, None)
    if watch.stage is Stage.RETURNING:
        # it is on its way: only an empty battery ends that
        if last is None:
            return watch, None
        return _given(watch, Stage.LANDING, last, now, "nothing else is left")
    to_return = next((one for one in grave if one.code in _RETURNS), None)
    held_s = 0.0 if watch.held_at is None else (now - watch.held_at).total_seconds()
    holding = watch.stage is Stage.HELD
    if to_return is None and holding and held_s >= policy.hold_most_s:
        to_return = next((one for one in grave if one.code in _HOLDS), None)
    retry = timedelta(seconds=policy.retry_s)
    may_ask = watch.tried_at is None or now - watch.tried_at >= retry
    if to_return is not None and (may_ask or last is not None):
        back = way_back(to_return)
        watch = replace(watch, tried_at=now)
        if back.proven:
            return _given(watch, Stage.RETURNING, to_return, now, f"proven way out: {back.why}")
        if last is not None:
            return _given(watch, Stage.LANDING, last, now, "no way out is proven")
        if not holding:
            text = f"its return is not proven; {back.why}; a person decides"
            return _given(watch, Stage.HELD, to_return, now, text)
        return watch, None
    to_hold = next((one for one in grave if one.code in _HOLDS), None)
    if to_hold is not None and not holding:
        if state is SortieState.HOLDING:
            return replace(watch, stage=Stage.HELD, held_at=now), Step(
                Stage.WARNED, to_hold.code, f"{_words(to_hold)}; it is held already"
            )
        return _given(watch, Stage.HELD, to_hold, now, "a person decides")
    return watch, None


def _given(
    watch: Watch, stage: Stage, concern: Concern, now: datetime, why: str
) -> tuple[Watch, Step]:
    held_at = now if stage is Stage.HELD else watch.held_at
    watch = replace(watch, stage=stage, held_at=held_at, ordered_at=now)
    return watch, Step(stage, concern.code, f"{_words(concern)}; {why}")


def _words(concern: Concern) -> str:
    return f"{concern.code}: {concern.message}"
