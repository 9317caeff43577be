"""`qyran upgrade`: the data folder at this version's schema."""

from core.clock import SystemClock
from station.backup import upgrade
from station.command import Run, verb


@verb
def run(call: Run) -> None:
    """Migrate the data folder to this version; a backup is made before anything changes."""
    report = upgrade(call.settings.home, now=SystemClock().now())
    text = f"{call.settings.home}: schema {report.schema_version}"
    kept = report.backup
    text += f"; backup at {kept.target}" if kept else "; nothing had to change"
    call.emit(report, text)
