"""`qyran restore`: a backup back in place of the data folder."""

from pathlib import Path
from typing import Annotated

import typer

from station.backup import restore
from station.command import Run, verb


@verb
def run(
    call: Run,
    archive: Annotated[Path, typer.Argument(help="What qyran backup wrote.")],
    force: Annotated[
        bool, typer.Option("--force", help="Put a former data folder aside first.")
    ] = False,
) -> None:
    """Bring a backup back. Every checksum is proven first; the station must not run."""
    report = restore(archive, call.settings.home, force=force)
    text = f"{report.home}: {report.files} files"
    if report.put_aside is not None:
        text += f"; the former one is now {report.put_aside}"
    call.emit(report, text)
