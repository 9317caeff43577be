"""`qyran check PLAN`: a plan file against fences and the vehicle's limits."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from core.errors import NotFound, PlanUnreadable, SourceMissing
from core.ids import AssetId
from geo.zones import Purpose
from missions.checks import check_plan
from missions.model import Asset, AssetKind, Finding, Plan, Severity
from missions.plan_file import read_plan
from station.command import Run, verb
from station.settings import Settings
from station.stores import opened_stores
from station.wiring import read_zone_file

_UNNAMED = AssetId("unnamed-drone")


@verb
def run(
    call: Run,
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN", help="A QGroundControl .plan file.")],
    asset: Annotated[
        str | None, typer.Option(help="Whose limits hold; from the data folder.")
    ] = None,
    zones: Annotated[
        Path | None, typer.Option(help="More fences: GeoJSON, GeoPackage or KML.")
    ] = None,
    endurance_s: Annotated[
        float, typer.Option(help="Time under way, s, where no asset is named.", min=1.0)
    ] = 1_500.0,
) -> int:
    """Check a plan file. Exit code 1 where a finding is an error."""
    plan = read_plan(_text(plan_file), AssetId(asset or _UNNAMED), where=str(plan_file))
    if zones is not None:
        fences = [zone for zone in read_zone_file(zones) if Purpose.FLIGHT in zone.purposes]
        plan = replace(plan, fences=(*plan.fences, *fences))
    vehicle = _asset(call.settings, asset) if asset else _unnamed(plan, endurance_s)
    findings = check_plan(plan, vehicle)
    safe = all(finding.severity is not Severity.ERROR for finding in findings)
    document = {
        "file": plan_file,
        "safe": safe,
        "items": len(plan.mission.items),
        "fences": len(plan.fences),
        "findings": [_document(finding) for finding in findings],
    }
    lines = [_line(finding) for finding in findings]
    lines.append(f"{plan_file}: {'safe' if safe else 'not safe'}, {len(findings)} findings")
    call.emit(document, "\n".join(lines))
    return 0 if safe else 1


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SourceMissing("no such file", where=str(path), cure="check the path") from None
    except (UnicodeDecodeError, IsADirectoryError):
        cure = "give a QGroundControl .plan file"
        raise PlanUnreadable("is no text", where=str(path), cure=cure) from None


def _asset(settings: Settings, asset_id: str) -> Asset:
    with opened_stores(settings) as stores:
        for asset in stores.missions.assets():
            if asset.asset_id == asset_id:
                return asset
    raise NotFound("no such asset", where=asset_id, cure="leave --asset out, or add the asset")


def _unnamed(plan: Plan, endurance_s: float) -> Asset:
    return Asset(
        asset_id=_UNNAMED,
        name="unnamed drone",
        kind=AssetKind.DRONE,
        camera=None,
        cruise_m_s=plan.cruise_m_s,
        home=plan.home,
        endurance_s=endurance_s,
    )


def _document(finding: Finding) -> dict[str, object]:
    place = finding.place
    return {
        "severity": finding.severity,
        "code": finding.code,
        "message": finding.message,
        "place": None if place is None else [place[1], place[0]],  # as GeoJSON has it
        "item": finding.item,
        "cure": finding.cure,
    }


def _line(finding: Finding) -> str:
    item = "" if finding.item is None else f"item {finding.item}: "
    cure = f"; {finding.cure}" if finding.cure else ""
    return f"{finding.severity:7}  {item}{finding.message}{cure} [{finding.code}]"
