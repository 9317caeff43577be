"""The gate: only a plan whose check found no error can be handed to a vehicle.

`Pilot.upload` takes a `ProvenPlan` and nothing else, and only `prove` makes one. It carries a
seal over the plan's and the asset's digest, made with a secret of this process: a plan that was
swapped or changed after its proof does not fit its seal, and a sortie that was authorised before
a restart has to be proven again, since zones, permissions and weather have moved on.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum

import numpy as np
from shapely import to_wkb
from shapely.geometry.base import BaseGeometry

from core.errors import PlanUnsafe
from core.ids import Digest
from geo.ports import TerrainModel
from missions.circumstances import Circumstances
from missions.model import Asset, Finding, Plan, Severity
from missions.proving.checks import check_plan

_SECRET = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class ProvenPlan:
    """A plan without error-level findings for one asset; only `prove` can make it."""

    plan: Plan
    seal: str

    def __post_init__(self) -> None:
        """Refuses a plan that is not the one that was proven.

        Raises:
            PlanUnsafe: if the seal is none, or that of another plan.
        """
        asset_digest, _, mark = self.seal.partition(".")
        if not hmac.compare_digest(mark, _mark(self.plan, asset_digest)):
            raise PlanUnsafe(
                "this plan is not the one that was proven, or was proven before a restart",
                where=str(self.plan.mission.mission_id),
                cure="check and authorise it again",
            )

    def is_for(self, asset: Asset) -> bool:
        """Returns whether it was proven for this very asset."""
        return self.seal.partition(".")[0] == digest_of(asset)

    def check_for(self, asset: Asset, where: str) -> None:
        """Does nothing where it was proven for this very asset.

        Raises:
            PlanUnsafe: if it was proven for another one, or for other limits of this one.
        """
        if not self.is_for(asset):
            raise PlanUnsafe(
                "the plan was proven for another asset, or for other limits of this one",
                where=where,
                cure="plan and authorise it again",
            )


def prove(
    plan: Plan,
    asset: Asset,
    circumstances: Circumstances = Circumstances(),  # noqa: B008 - frozen
    *,
    terrain: TerrainModel | None = None,
) -> ProvenPlan:
    """Returns the plan as one that a vehicle may be given.

    Args:
        plan: to be checked.
        asset: who is to carry it out.
        circumstances: as for `check_plan`.
        terrain: as for `check_plan`.

    Raises:
        PlanUnsafe: if a finding is an error (the message names the first), or if the plan is
            for another asset.
    """
    if plan.asset_id != asset.asset_id:
        raise PlanUnsafe(
            f"the plan is for {plan.asset_id}, not for {asset.asset_id}",
            where=str(plan.mission.mission_id),
            cure="plan it for the asset that is to fly it",
        )
    refuse_errors(check_plan(plan, asset, circumstances, terrain=terrain), plan)
    asset_digest = digest_of(asset)
    return ProvenPlan(plan, f"{asset_digest}.{_mark(plan, asset_digest)}")


def refuse_errors(findings: tuple[Finding, ...], plan: Plan) -> None:
    """Does nothing where no finding is an error.

    Raises:
        PlanUnsafe: if one is; the message names the first.
    """
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        unsafe = PlanUnsafe(
            f"{errors[0].code}: {errors[0].message}{more}",
            where=str(plan.mission.mission_id),
            cure=errors[0].cure or "mend the plan and check it again",
        )
        unsafe.finding = errors[0].code
        raise unsafe


def digest_of(value: object) -> Digest:
    """Returns the SHA-256 of a domain value, with all that is in it."""
    hashed = hashlib.sha256()
    for part in _parts(value):
        hashed.update(part)
        hashed.update(b"\x1f")
    return Digest(hashed.hexdigest())


def _mark(plan: Plan, asset_digest: str) -> str:
    text = f"{digest_of(plan)}.{asset_digest}"
    return hmac.new(_SECRET, text.encode(), hashlib.sha256).hexdigest()


def _parts(value: object) -> Iterator[bytes]:
    """Yields the bytes that make up a value, each kind marked, so that none looks like another."""
    if isinstance(value, BaseGeometry):
        yield b"shape"
        yield to_wkb(value)
    elif is_dataclass(value) and not isinstance(value, type):
        yield type(value).__name__.encode()
        for one in fields(value):
            if one.compare:
                yield one.name.encode()
                yield from _parts(getattr(value, one.name))
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype}{value.shape}".encode()
        yield value.tobytes()
    elif isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield str(key).encode()
            yield from _parts(value[key])
    elif isinstance(value, frozenset | set):
        yield b"set"
        for text in sorted(str(one) for one in value):
            yield text.encode()
    elif isinstance(value, tuple | list):
        yield f"list{len(value)}".encode()
        for one in value:
            yield from _parts(one)
    elif isinstance(value, Enum):
        yield str(value.value).encode()
    elif isinstance(value, datetime):
        yield value.isoformat().encode()
    elif isinstance(value, timedelta):
        yield repr(value.total_seconds()).encode()
    else:
        yield repr(value).encode()
