"""`qyran version`: which version this is."""

import platform

from station.command import Run, verb
from station.version import version_text


@verb
def run(call: Run) -> None:
    """Say which version this is."""
    version = version_text()
    document = {"version": version, "python": platform.python_version()}
    call.emit(document, f"qyran {version} (Python {document['python']})")
