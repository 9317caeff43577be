"""`qyran convert IN OUT`: a plan from one file format into another, with what is lost."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from core.ids import AssetId
from missions.formats.losses import Loss, moved
from station.command import Run, verb
from station.plan_formats import encode_plan, read_plan_file, replace_file


@verb
def run(
    call: Run,
    source: Annotated[
        Path, typer.Argument(metavar="IN", help=".plan, .waypoints, .geojson, .kml or .kmz.")
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="The same, or .wpml.kmz for an aircraft of DJI.")
    ],
    lossy: Annotated[
        bool, typer.Option("--lossy", help="Write it even where the vehicle would move otherwise.")
    ] = False,
    height_m: Annotated[
        float | None,
        typer.Option(help="Above home, m, for drawn lines without heights.", min=1.0, max=10_000.0),
    ] = None,
    asset: Annotated[str | None, typer.Option(help="Who flies; else what the file says.")] = None,
    dji: Annotated[
        str, typer.Option(help="m30, m30t, m3e, m3t, m3m, m3d or m3td; for .wpml.kmz.")
    ] = "m30",
) -> int:
    """Convert a plan file. Exit code 1, and nothing written, where a movement would be lost."""
    loaded = read_plan_file(source, AssetId(asset) if asset else None, height_m=height_m)
    data, lost = encode_plan(loaded.plan, target, dji)
    faithful = not moved((*loaded.losses, *lost))
    written = faithful or lossy
    if written:
        replace_file(target, data)
    plan = loaded.plan
    document = {
        "in": source,
        "out": target,
        "faithful": faithful,
        "written": written,
        "items": len(plan.mission.items),
        "zones": len(plan.fences),
        "rally": len(plan.rally),
        "parts": [asdict(part) for part in loaded.parts],
        "losses": [*_documents(loaded.losses, "reading"), *_documents(lost, "writing")],
    }
    lines = [_line(loss) for loss in (*loaded.losses, *lost)]
    done = "written" if written else "not written: the vehicle would move otherwise; see --lossy"
    lines.append(f"{target}: {len(plan.mission.items)} items, {len(lines)} losses, {done}")
    call.emit(document, "\n".join(lines))
    return 0 if written else 1


def _documents(losses: Iterable[Loss], during: str) -> list[dict[str, object]]:
    return [
        {
            "severity": loss.severity,
            "code": loss.code,
            "message": loss.message,
            "item": loss.item,
            "command": loss.command,
            "during": during,
        }
        for loss in losses
    ]


def _line(loss: Loss) -> str:
    return f"{loss.severity:7}  {loss.message} [{loss.code}]"
