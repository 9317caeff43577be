"""The asset that `qyran check` is given: out of a file, or out of the data folder."""

from dataclasses import dataclass
from pathlib import Path

from core.errors import NotFound
from missions.model import Asset, Finding, Plan, Severity
from station.asset_file import read_asset_for
from station.settings import Settings
from station.stores import opened_stores


@dataclass(frozen=True, slots=True)
class GivenAsset:
    """The asset that a plan is checked for, and what was strange about its file."""

    asset: Asset
    findings: tuple[Finding, ...] = ()


def read_given_asset(named: str, plan: Plan, settings: Settings) -> GivenAsset:
    """Returns the asset of a file, or the one of that id in the data folder.

    Raises:
        SourceMissing: if a file is named that is not there.
        SourceUnreadable: if the file holds no asset.
        NotFound: if no asset of the data folder has that id.
    """
    path = Path(named)
    if path.suffix.lower() == ".json" or path.is_file():
        asset, strange = read_asset_for(path, plan)
        told = tuple(
            Finding(
                Severity.WARNING,
                "asset_field_unknown",
                f"{path.name}: {name} means nothing here",
                cure="see station/asset_file.py for the names of fields",
            )
            for name in strange
        )
        return GivenAsset(asset, told)
    with opened_stores(settings) as stores:
        for asset in stores.missions.assets():
            if asset.asset_id == named:
                return GivenAsset(asset)
    raise NotFound("no such asset", where=named, cure="leave --asset out, or add the asset")
