"""`qyran backup`: the data folder as one file or folder."""

from pathlib import Path
from typing import Annotated

import typer

from station.backup import backup
from station.command import Run, verb


@verb
def run(
    call: Run,
    target: Annotated[
        Path, typer.Argument(help="A file ending in .tar, else a folder; must not be there yet.")
    ],
) -> None:
    """Copy the data folder, with the checksum of each file; the station may run meanwhile."""
    report = backup(call.settings.home, target)
    size = f"{report.size_bytes / 1e6:.1f} MB"
    call.emit(report, f"{report.target}: {report.files} files, {size}")
