"""`qyran assets`: bring drones and cars in from a file, list them."""

from pathlib import Path
from typing import Annotated

import typer

from station.asset_file import read_assets
from station.command import Run, verb
from station.known_ground import known_boxes, refuse_swapped_assets
from station.stores import opened_stores


@verb
def import_(call: Run, file: Annotated[Path, typer.Argument(help="A JSON file.")]) -> None:
    """Bring assets in from a file. One whose id is known is replaced."""
    assets = read_assets(file)  # all or none: a bad one stops it before anything is written
    with opened_stores(call.settings) as stores:
        refuse_swapped_assets(assets, known_boxes(stores.zones, stores.missions), str(file))
        for asset in assets:
            stores.missions.save_asset(asset)
    names = [asset.asset_id for asset in assets]
    call.emit({"file": file, "assets": names}, f"{file}: {len(names)} assets")


@verb
def list_(call: Run) -> None:
    """List the assets."""
    with opened_stores(call.settings) as stores:
        rows = [
            {
                "id": asset.asset_id,
                "name": asset.name,
                "kind": asset.kind,
                "passive": asset.passive,
                "agency": asset.agency,
                "commanded": bool(asset.address),
                "filmed": bool(asset.video),
            }
            for asset in stores.missions.assets()
        ]
    lines = [f"{row['id']:20} {row['kind']:8} {row['name']}" for row in rows]
    call.emit({"assets": rows}, "\n".join(lines) or "no assets; see qyran assets import --help")


RUNS = {"import": import_, "list": list_}
